//! `describe`: an object for a person, with what belongs to it in the cluster.
//!
//! Describing is pure. [`needs`] says what else must be fetched; [`describe`] gets it and writes the text. Each kind
//! that kubectl knows has its own form, and every other kind a common one.

mod access;
mod autoscaler;
mod certificate;
mod claim;
mod conditions;
mod config;
mod containers;
mod context;
mod der;
mod events;
mod generic;
mod ingress;
mod jobs;
mod labels;
mod network;
mod node;
mod pod;
mod policy;
mod quota;
mod read;
mod rules;
mod selector;
mod storage;
#[cfg(test)]
mod tests;
mod volumes;
mod workloads;
mod writer;

pub use context::{Context, Found, Lookup, Wanted};
pub use rules::{Rule, compact as compact_rules};

use crate::api::{ObjectExt, Status, Value};
use crate::expr::selector::SelectorError;
use thiserror::Error;
use writer::Writer;

/// Why an object cannot be described.
#[derive(Clone, Debug, Error)]
pub enum Error {
    /// Something that is needed could not be fetched.
    #[error("{}", .0.message)]
    Status(Box<Status>),
    /// The object is not what it should be.
    #[error("{0}")]
    Object(String),
}

impl From<SelectorError> for Error {
    fn from(error: SelectorError) -> Self {
        Self::Object(error.0)
    }
}

impl From<&Status> for Error {
    fn from(status: &Status) -> Self {
        Self::Status(Box::new(status.clone()))
    }
}

/// How objects of one kind are described.
struct Describer {
    needs: fn(&Value) -> Vec<Lookup>,
    write: Write,
    /// Whether the object's events follow.
    events: bool,
}

enum Write {
    Alone(fn(&mut Writer, &Value)),
    WithContext(fn(&mut Writer, &Value, &Context)),
    MayFail(fn(&mut Writer, &Value, &Context) -> Result<(), Error>),
}

use Write::{Alone, MayFail, WithContext};

fn nothing(_: &Value) -> Vec<Lookup> {
    Vec::new()
}

const fn described(write: Write) -> Describer {
    Describer { needs: nothing, write, events: true }
}

impl Describer {
    const fn without_events(mut self) -> Self {
        self.events = false;
        self
    }

    const fn needing(mut self, needs: fn(&Value) -> Vec<Lookup>) -> Self {
        self.needs = needs;
        self
    }

    /// The describer of an object's kind; the group counts, the version does not.
    fn of(object: &Value) -> Self {
        match object.group_version_kind().group_kind().as_str() {
            "Pod" => described(WithContext(pod::write)),
            "Deployment.apps" => described(MayFail(workloads::deployment)).needing(workloads::needs_replica_sets),
            "ReplicaSet.apps" => described(MayFail(workloads::replica_set)).needing(workloads::needs_pods),
            "StatefulSet.apps" => described(MayFail(workloads::stateful_set)).needing(workloads::needs_pods),
            "DaemonSet.apps" => described(MayFail(workloads::daemon_set)).needing(workloads::needs_pods),
            "ReplicationController" => {
                described(MayFail(workloads::replication_controller)).needing(workloads::needs_pods)
            }
            "Job.batch" => described(WithContext(jobs::job)),
            "CronJob.batch" => described(WithContext(jobs::cron_job)),
            "Service" => described(WithContext(network::service)).needing(network::needs),
            "Endpoints" => described(Alone(network::endpoints_object)),
            "EndpointSlice.discovery.k8s.io" => described(Alone(network::endpoint_slice)),
            "ServiceCIDR.networking.k8s.io" => described(WithContext(network::service_cidr)),
            "IPAddress.networking.k8s.io" => described(Alone(network::ip_address)),
            "Ingress.networking.k8s.io" => described(WithContext(ingress::ingress)).needing(ingress::needs),
            "IngressClass.networking.k8s.io" => described(Alone(ingress::ingress_class)),
            "NetworkPolicy.networking.k8s.io" => described(WithContext(policy::network_policy)).without_events(),
            "PodDisruptionBudget.policy" => described(Alone(policy::pod_disruption_budget)),
            "Node" => described(MayFail(node::write)).needing(node::needs),
            "Namespace" => described(MayFail(quota::namespace)).needing(quota::needs).without_events(),
            "ResourceQuota" => described(Alone(quota::resource_quota)).without_events(),
            "LimitRange" => described(Alone(quota::limit_range)).without_events(),
            "ConfigMap" => described(Alone(config::config_map)),
            "Secret" => described(Alone(config::secret)).without_events(),
            "ServiceAccount" => described(Alone(config::service_account)),
            "PriorityClass.scheduling.k8s.io" | "PriorityClass" => described(Alone(config::priority_class)),
            "Role.rbac.authorization.k8s.io" | "ClusterRole.rbac.authorization.k8s.io" => {
                described(Alone(access::role)).without_events()
            }
            "RoleBinding.rbac.authorization.k8s.io" | "ClusterRoleBinding.rbac.authorization.k8s.io" => {
                described(Alone(access::role_binding)).without_events()
            }
            "PersistentVolume" => described(WithContext(storage::persistent_volume)),
            "PersistentVolumeClaim" => described(MayFail(claim::write)).needing(claim::needs),
            "StorageClass.storage.k8s.io" => described(Alone(storage::storage_class)),
            "VolumeAttributesClass.storage.k8s.io" => described(Alone(storage::volume_attributes_class)),
            "CSINode.storage.k8s.io" => described(WithContext(storage::csi_node)),
            "CertificateSigningRequest.certificates.k8s.io" => described(MayFail(certificate::write)),
            "HorizontalPodAutoscaler.autoscaling" => {
                described(WithContext(autoscaler::write)).needing(autoscaler::lookups)
            }
            _ => described(Alone(generic::write)),
        }
    }
}

/// A template of pods as a description shows it, with tabs where its columns are.
pub fn pod_template(template: &Value) -> String {
    let mut w = Writer::default();
    pod::template(&mut w, Some(template));
    w.plain()
}

/// What must be fetched before an object can be described, with its events if they are shown.
pub fn needs(object: &Value, show_events: bool) -> Vec<Lookup> {
    let describer = Describer::of(object);
    let mut lookups = (describer.needs)(object);
    if describer.events && show_events {
        lookups.extend(events::lookups(object));
    }
    lookups
}

/// Describes an object.
///
/// # Errors
/// When something that the description cannot do without was not found.
pub fn describe(object: &Value, context: &Context) -> Result<String, Error> {
    let describer = Describer::of(object);
    let mut w = Writer::default();
    match describer.write {
        Alone(write) => write(&mut w, object),
        WithContext(write) => write(&mut w, object, context),
        MayFail(write) => write(&mut w, object, context)?,
    }
    if describer.events && context.show_events {
        events::write(&mut w, object, context);
    }
    Ok(w.finish())
}
