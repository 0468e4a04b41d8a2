//! Finding objects on the server by type, name and selector.

use super::infos::Info;
use super::{Cluster, Failure, lists};
use crate::api::Status;
use crate::api::{GroupVersionKind, GroupVersionResource, Object, ObjectExt, Value};
use crate::client::{self, METADATA_LIST, Mapping, Request};

/// The page size when only names are wanted.
const PAGE: i64 = 500;

/// The resources that these words mean, categories included, each once.
pub async fn types(cluster: &Cluster, words: &[String]) -> Result<Vec<Mapping>, Failure> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for mapping in cluster.client.resources(&words.join(",")).await? {
        if !mappings.iter().any(|known| known.gvk == mapping.gvk) {
            mappings.push(mapping);
        }
    }
    Ok(mappings)
}

/// Objects by type and name; they are not asked for yet. `combined` says that the pairs were made of `type/name` words.
///
/// Names are those of one type: a category is refused, as kubectl refuses it.
pub async fn named(
    cluster: &Cluster,
    pairs: &[(String, String)],
    combined: bool,
    all_namespaces: bool,
) -> Result<Vec<Info>, Failure> {
    let mut known: Vec<(&str, Mapping)> = Vec::new();
    for (word, _) in pairs {
        if known.iter().any(|(k, _)| k == word) {
            continue;
        }
        let mapping = match combined {
            true => cluster.client.resource(word).await?,
            false => {
                let mut mappings = types(cluster, std::slice::from_ref(word)).await?;
                match (mappings.pop(), mappings.is_empty()) {
                    (Some(mapping), true) => mapping,
                    _ => return Err(Failure::message("you must specify only one resource")),
                }
            }
        };
        known.push((word, mapping));
    }
    let mut infos: Vec<Info> = Vec::new();
    for (word, name) in pairs {
        let Some((_, mapping)) = known.iter().find(|(k, _)| k == word) else { continue };
        if mapping.namespaced && all_namespaces {
            return Err(Failure::message("a resource cannot be retrieved by name across all namespaces"));
        }
        infos.push(Info {
            mapping: mapping.clone(),
            namespace: if mapping.namespaced { cluster.namespace.clone() } else { String::new() },
            name: name.clone(),
            object: Value::Null,
            source: String::new(),
            list: None,
        });
    }
    Ok(infos)
}

/// Reads the object of an info.
pub async fn retrieve(cluster: &Cluster, info: &Info, subresource: &str) -> Result<Object, Failure> {
    let request = Request::get(&info.mapping, &info.namespace, &info.name).subresource(subresource);
    answer(cluster, info, cluster.client.json(&request)).await
}

/// What is read of the object of an info. When there is none, and not even its namespace, it is the namespace that is
/// missing.
pub async fn answer<T>(
    cluster: &Cluster,
    info: &Info,
    read: impl Future<Output = Result<T, client::Error>>,
) -> Result<T, Failure> {
    let failure = match read.await.map_err(Failure::from) {
        Ok(answer) => return Ok(answer),
        Err(failure) => failure,
    };
    if failure.is_not_found() && !matches!(info.namespace.as_str(), "" | "default") {
        let mapping = Mapping {
            gvr: GroupVersionResource::new("", "v1", "namespaces"),
            gvk: GroupVersionKind::new("", "v1", "Namespace"),
            ..Mapping::default()
        };
        let namespace = cluster.client.json(&Request::get(&mapping, "", &info.namespace)).await.map_err(Failure::from);
        if let Err(missing) = namespace
            && missing.is_not_found()
        {
            return Err(missing);
        }
    }
    Err(failure)
}

/// What a server says of an object that is not there.
pub fn not_found(info: &Info) -> Failure {
    let message = format!("{} {:?} not found", info.mapping.gvr.group_resource(), info.name);
    Failure::Status(Box::new(Status::failure(404, "NotFound", message)))
}

/// Namespaces and names of the objects that the selectors match; the objects themselves are not fetched.
pub async fn metadata(
    cluster: &Cluster,
    mapping: &Mapping,
    namespace: &str,
    labels: &str,
    fields: &str,
) -> Result<Vec<(String, String)>, Failure> {
    let namespace = if mapping.namespaced { namespace } else { "" };
    let mut found = Vec::new();
    let mut page = String::new();
    loop {
        let mut request = Request::list(mapping, namespace).accept(METADATA_LIST).query("limit", &PAGE.to_string());
        for (name, value) in [("labelSelector", labels), ("fieldSelector", fields), ("continue", &page)] {
            if !value.is_empty() {
                request = request.query(name, value);
            }
        }
        let list = cluster.client.json(&request).await;
        let list = list.map_err(|error| lists::explained(error.into(), mapping, labels, fields))?;
        found.extend(list.items_at(&["items"]).iter().map(|o| (o.namespace().to_string(), o.name().to_string())));
        page = list.text(&["metadata", "continue"]).to_string();
        if page.is_empty() {
            return Ok(found);
        }
    }
}
