//! Claims and Ingresses that name no class get the one that is marked as the default (DefaultStorageClass,
//! DefaultIngressClass).

use super::super::errors::Answer;
use super::super::pipeline::Server;
use super::{Asked, Operation};
use crate::api::{ObjectExt, Value};
use std::cmp::Reverse;

const STORAGE_MARKS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const INGRESS_MARKS: [&str; 1] = ["ingressclass.kubernetes.io/is-default-class"];

impl Server {
    /// Names the default class in a new claim or Ingress that names none.
    pub(super) async fn choose_classes(&self, asked: &Asked<'_>, object: &mut Value) -> Answer<()> {
        if asked.operation != Operation::Create || !asked.subresource.is_empty() {
            return Ok(());
        }
        if asked.is_for("", "persistentvolumeclaims") {
            let old_form = object.annotation("volume.beta.kubernetes.io/storage-class").is_some();
            if !old_form && object.at(&["spec", "storageClassName"]).is_none() {
                let classes = self.objects("storage.k8s.io", "storageclasses", "").await?;
                // Of several the newest counts, and of those the first by name.
                if let Some(class) = marked(&classes, &STORAGE_MARKS) {
                    object.put(&["spec", "storageClassName"], class.name());
                }
            }
        } else if asked.is_for("networking.k8s.io", "ingresses") {
            let old_form = object.annotation("kubernetes.io/ingress.class").is_some();
            if !old_form && object.at(&["spec", "ingressClassName"]).is_none() {
                let classes = self.objects("networking.k8s.io", "ingressclasses", "").await?;
                if let Some(class) = marked(&classes, &INGRESS_MARKS) {
                    object.put(&["spec", "ingressClassName"], class.name());
                }
            }
        }
        Ok(())
    }
}

fn marked<'a>(classes: &'a [Value], marks: &[&str]) -> Option<&'a Value> {
    let is_default = |class: &&Value| marks.iter().any(|mark| class.annotation(mark) == Some("true"));
    let created = |class: &Value| Reverse(class.text(&["metadata", "creationTimestamp"]).to_string());
    classes.iter().filter(is_default).min_by_key(|class| (created(class), class.name().to_string()))
}
