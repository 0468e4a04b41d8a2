//! What kinds check of metadata themselves, after what is checked of every object. A complaint is made as often as it is
//! found, so the checks show in the list of causes.

use super::registry::Served;

/// A check of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Of all of it, as when the object was made.
    Whole,
    /// Of what changed, labels, annotations and owners.
    Change,
}

use Check::{Change, Whole};

/// The kinds that do something else than to look at the change when the object changes.
const MAIN: [(&[Check], &str, &[&str]); 23] = [
    (
        &[Change, Whole],
        "",
        &["pods", "configmaps", "secrets", "persistentvolumeclaims", "endpoints", "serviceaccounts"],
    ),
    (&[Change, Whole], "apps", &["controllerrevisions"]),
    (&[Change, Whole], "networking.k8s.io", &["ingresses", "ingressclasses"]),
    (&[Change, Whole], "storage.k8s.io", &["volumeattributesclasses"]),
    (&[Change, Whole], "apiregistration.k8s.io", &["apiservices"]),
    (&[Whole, Change], "", &["nodes", "namespaces"]),
    (&[Whole, Change], "batch", &["jobs"]),
    (&[Whole, Change], "networking.k8s.io", &["ipaddresses"]),
    (&[Whole, Change], "rbac.authorization.k8s.io", &["roles", "clusterroles", "rolebindings", "clusterrolebindings"]),
    (&[Whole, Change], "storage.k8s.io", &["storageclasses", "csistoragecapacities"]),
    (&[Whole, Change], "node.k8s.io", &["runtimeclasses"]),
    (&[Whole, Change], "certificates.k8s.io", &["certificatesigningrequests"]),
    (&[Whole, Change], "resource.k8s.io", &["deviceclasses", "resourceclaims", "resourceclaimtemplates"]),
    (&[Whole], "", &["limitranges"]),
    (&[Whole], "storage.k8s.io", &["volumeattachments", "csinodes"]),
    (&[Whole], "discovery.k8s.io", &["endpointslices"]),
    (&[Whole], "flowcontrol.apiserver.k8s.io", &["flowschemas", "prioritylevelconfigurations"]),
    (&[Whole], "admissionregistration.k8s.io", &["validatingwebhookconfigurations", "mutatingwebhookconfigurations"]),
    (&[Whole], "admissionregistration.k8s.io", &["validatingadmissionpolicies", "validatingadmissionpolicybindings"]),
    (&[Whole], "admissionregistration.k8s.io", &["mutatingadmissionpolicies", "mutatingadmissionpolicybindings"]),
    (&[Whole, Whole], "", &["persistentvolumes"]),
    (&[], "", &["events"]),
    (&[], "policy", &["poddisruptionbudgets"]),
];

/// The same for the status, and for the approval of requests for certificates.
const STATUS: [(&[Check], &str, &[&str]); 5] = [
    (&[Whole, Change], "certificates.k8s.io", &["certificatesigningrequests"]),
    (&[], "batch", &["cronjobs"]),
    (&[], "policy", &["poddisruptionbudgets"]),
    (&[], "storage.k8s.io", &["volumeattachments"]),
    (&[], "admissionregistration.k8s.io", &["validatingadmissionpolicies"]),
];

/// The kinds that take any finalizer, where others without a domain have to be known.
const ANY_FINALIZER: [(&str, &[&str]); 7] = [
    ("", &["events"]),
    ("policy", &["poddisruptionbudgets"]),
    ("node.k8s.io", &["runtimeclasses"]),
    ("coordination.k8s.io", &["leases"]),
    ("apiextensions.k8s.io", &["customresourcedefinitions"]),
    ("apiregistration.k8s.io", &["apiservices"]),
    (
        "admissionregistration.k8s.io",
        &[
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
            "validatingadmissionpolicies",
            "validatingadmissionpolicybindings",
            "mutatingadmissionpolicies",
            "mutatingadmissionpolicybindings",
        ],
    ),
];

/// What a kind checks of metadata when the object changes, or a part of it, in this order.
pub fn of(served: &Served, is_main: bool) -> &'static [Check] {
    let table = if is_main { &MAIN[..] } else { &STATUS[..] };
    let (group, resource) = (served.kind.group.as_str(), served.info.resource.as_str());
    let found = table.iter().find(|(_, of, resources)| *of == group && resources.contains(&resource));
    found.map_or(&[Change], |(checks, ..)| *checks)
}

/// Whether a kind takes no finalizer without a domain but those that are known.
pub fn knows_finalizers(served: &Served) -> bool {
    let (group, resource) = (served.kind.group.as_str(), served.info.resource.as_str());
    served.custom.is_none()
        && !ANY_FINALIZER.iter().any(|(of, resources)| *of == group && resources.contains(&resource))
}
