//! Claims that do not fit the services there are, because somebody wrote to the store in between: what services hold is
//! claimed again, and what nobody holds is let go of.

use super::{ADDRESSES, ALLOCATOR, Held, PORTS, port_claim};
use crate::apiserver::errors::Answer;
use crate::apiserver::pipeline::{Server, store_failure};
use crate::apiserver::store::{Change, Entry, Expect, Key, StoreError, Write};
use std::collections::HashSet;
use std::sync::Arc;

impl Server {
    /// Brings claims and services together.
    pub(in crate::apiserver) async fn repair_claims(&self) -> Answer<()> {
        let Some(services) = self.registry.core("services").cloned() else { return Ok(()) };
        // Claims are read before services: one that is made together with its service meanwhile is not seen, and one
        // that is seen belongs to a service that is seen too, or has changed when it is to be taken away.
        let (addresses, ports) = (self.claimed(ADDRESSES).await?, self.claimed(PORTS).await?);
        let known = |entries: &[Arc<Entry>]| entries.iter().map(|e| e.name.to_string()).collect::<HashSet<_>>();
        let (known_addresses, known_ports) = (known(&addresses), known(&ports));
        let mut held = Held::default();
        for entry in self.all(&services, "").await? {
            let service = services.value(&entry.object, entry.revision);
            let Held { addresses, ports, .. } = Held::of(Some(&service));
            for address in addresses.difference(&known_addresses) {
                self.put_right(self.address_claim(&service, address)).await?;
            }
            for port in ports.iter().filter(|port| !known_ports.contains(&port.to_string())) {
                self.put_right(port_claim(*port)).await?;
            }
            held.addresses.extend(addresses);
            held.ports.extend(ports);
        }
        let managed = |entry: &&Arc<Entry>| entry.object.label("ipaddress.kubernetes.io/managed-by") == Some(ALLOCATOR);
        let held_ports: HashSet<String> = held.ports.iter().map(i64::to_string).collect();
        let all = addresses.iter().filter(managed).map(|entry| (ADDRESSES, entry, &held.addresses));
        for (collection, entry, held) in all.chain(ports.iter().map(|entry| (PORTS, entry, &held_ports))) {
            if !held.contains(&*entry.name) {
                let key = Key { collection: collection.into(), name: entry.name.clone() };
                self.put_right(Write { key, expect: Expect::At(entry.revision), change: Change::Delete }).await?;
            }
        }
        Ok(())
    }

    /// Writes, unless somebody else was there first.
    async fn put_right(&self, write: Write) -> Answer<()> {
        match self.store.commit(vec![write]).await {
            Ok(_) | Err(StoreError::Conflict(..)) => Ok(()),
            Err(other) => Err(store_failure(other)),
        }
    }
}
