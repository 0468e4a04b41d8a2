//! The volumes of pods, and what persistent volumes are made of.

use super::claim;
use super::labels::shortened;
use super::read::{Brackets, Scalar, canonical, flag, number, pairs, some, text, texts};
use super::writer::Writer;
use crate::api::{ObjectExt, Value};

/// How a field of a volume's source is shown.
#[derive(Clone, Copy)]
enum Show {
    /// As it is; empty when it is missing.
    Text,
    /// `true` or `false`.
    Flag,
    /// A number, or 0.
    Number,
    /// `[a b]`.
    List,
    /// `a, b`.
    Commas,
    /// As it is, or this.
    Or(&'static str),
    /// A reference to a secret, as Go prints it.
    Secret,
    /// A map, as Go prints it.
    Map,
}

use Show::{Commas, Flag, List, Map, Number, Or, Secret, Text};

/// A kind of volume: its key, what it is, and its fields with their headings.
type Source = (&'static str, &'static str, &'static [(&'static str, &'static [&'static str], Show)]);

const READ_ONLY: (&str, &[&str], Show) = ("ReadOnly:", &["readOnly"], Flag);
const FS_TYPE: (&str, &[&str], Show) = ("FSType:", &["fsType"], Text);
const SECRET: (&str, &[&str], Show) = ("SecretRef:", &["secretRef"], Secret);

/// The kinds of volumes that are shown field by field, in the order in which kubectl looks for them.
const SOURCES: &[Source] = &[
    (
        "hostPath",
        "HostPath (bare host directory volume)",
        &[("Path:", &["path"], Text), ("HostPathType:", &["type"], Or("<none>"))],
    ),
    (
        "gcePersistentDisk",
        "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        &[("PDName:", &["pdName"], Text), FS_TYPE, ("Partition:", &["partition"], Number), READ_ONLY],
    ),
    (
        "awsElasticBlockStore",
        "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
        &[("VolumeID:", &["volumeID"], Text), FS_TYPE, ("Partition:", &["partition"], Number), READ_ONLY],
    ),
    (
        "gitRepo",
        "GitRepo (a volume that is pulled from git when the pod is created)",
        &[("Repository:", &["repository"], Text), ("Revision:", &["revision"], Text)],
    ),
    (
        "secret",
        "Secret (a volume populated by a Secret)",
        &[("SecretName:", &["secretName"], Text), ("Optional:", &["optional"], Flag)],
    ),
    (
        "configMap",
        "ConfigMap (a volume populated by a ConfigMap)",
        &[("Name:", &["name"], Text), ("Optional:", &["optional"], Flag)],
    ),
    (
        "nfs",
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        &[("Server:", &["server"], Text), ("Path:", &["path"], Text), READ_ONLY],
    ),
    (
        "iscsi",
        "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
        &[
            ("TargetPortal:", &["targetPortal"], Text),
            ("IQN:", &["iqn"], Text),
            ("Lun:", &["lun"], Number),
            ("ISCSIInterface", &["iscsiInterface"], Text),
            FS_TYPE,
            READ_ONLY,
            ("Portals:", &["portals"], List),
            ("DiscoveryCHAPAuth:", &["chapAuthDiscovery"], Flag),
            ("SessionCHAPAuth:", &["chapAuthSession"], Flag),
            SECRET,
            ("InitiatorName:", &["initiatorName"], Or("<none>")),
        ],
    ),
    (
        "persistentVolumeClaim",
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        &[("ClaimName:", &["claimName"], Text), READ_ONLY],
    ),
    (
        "rbd",
        "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
        &[
            ("CephMonitors:", &["monitors"], List),
            ("RBDImage:", &["image"], Text),
            FS_TYPE,
            ("RBDPool:", &["pool"], Text),
            ("RadosUser:", &["user"], Text),
            ("Keyring:", &["keyring"], Text),
            SECRET,
            READ_ONLY,
        ],
    ),
    (
        "quobyte",
        "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
        &[("Registry:", &["registry"], Text), ("Volume:", &["volume"], Text), READ_ONLY],
    ),
    (
        "azureDisk",
        "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
        &[
            ("DiskName:", &["diskName"], Text),
            ("DiskURI:", &["diskURI"], Text),
            ("Kind: ", &["kind"], Text),
            FS_TYPE,
            ("CachingMode:", &["cachingMode"], Text),
            READ_ONLY,
        ],
    ),
    (
        "vsphereVolume",
        "vSphereVolume (a Persistent Disk resource in vSphere)",
        &[("VolumePath:", &["volumePath"], Text), FS_TYPE, ("StoragePolicyName:", &["storagePolicyName"], Text)],
    ),
    (
        "cinder",
        "Cinder (a Persistent Disk resource in OpenStack)",
        &[("VolumeID:", &["volumeID"], Text), FS_TYPE, READ_ONLY, SECRET],
    ),
    (
        "photonPersistentDisk",
        "PhotonPersistentDisk (a Persistent Disk resource in photon platform)",
        &[("PdID:", &["pdID"], Text), FS_TYPE],
    ),
    ("portworxVolume", "PortworxVolume (a Portworx Volume resource)", &[("VolumeID:", &["volumeID"], Text)]),
    (
        "cephfs",
        "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
        &[
            ("Monitors:", &["monitors"], List),
            ("Path:", &["path"], Text),
            ("User:", &["user"], Text),
            ("SecretFile:", &["secretFile"], Text),
            SECRET,
            READ_ONLY,
        ],
    ),
    (
        "storageos",
        "StorageOS (a StorageOS Persistent Disk resource)",
        &[("VolumeName:", &["volumeName"], Text), ("VolumeNamespace:", &["volumeNamespace"], Text), FS_TYPE, READ_ONLY],
    ),
    (
        "fc",
        "FC (a Fibre Channel disk)",
        &[("TargetWWNs:", &["targetWWNs"], Commas), ("LUN:", &["lun"], Or("<none>")), FS_TYPE, READ_ONLY],
    ),
    (
        "flexVolume",
        "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
        &[("Driver:", &["driver"], Text), FS_TYPE, SECRET, READ_ONLY, ("Options:", &["options"], Map)],
    ),
    (
        "flocker",
        "Flocker (a Flocker volume mounted by the Flocker agent)",
        &[("DatasetName:", &["datasetName"], Text), ("DatasetUUID:", &["datasetUUID"], Text)],
    ),
    (
        "image",
        "Image (a container image or OCI artifact)",
        &[("Reference:", &["reference"], Text), ("PullPolicy:", &["pullPolicy"], Text)],
    ),
    ("local", "LocalVolume (a persistent volume backed by local storage on a node)", &[("Path:", &["path"], Text)]),
];

const GLUSTERFS: &str = "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)";
const SCALE_IO: &str = "ScaleIO (a persistent volume backed by a block device in ScaleIO)";
const AZURE_FILE: &str = "AzureFile (an Azure File Service mount on the host and bind mount to the pod)";

/// Kinds that show other fields in a pod than in a persistent volume.
const OF_PODS: &[Source] = &[
    ("glusterfs", GLUSTERFS, &[("EndpointsName:", &["endpoints"], Text), ("Path:", &["path"], Text), READ_ONLY]),
    (
        "scaleIO",
        SCALE_IO,
        &[
            ("Gateway:", &["gateway"], Text),
            ("System:", &["system"], Text),
            ("Protection Domain:", &["protectionDomain"], Text),
            ("Storage Pool:", &["storagePool"], Text),
            ("Storage Mode:", &["storageMode"], Text),
            ("VolumeName:", &["volumeName"], Text),
            FS_TYPE,
            READ_ONLY,
        ],
    ),
    (
        "azureFile",
        AZURE_FILE,
        &[("SecretName:", &["secretName"], Text), ("ShareName:", &["shareName"], Text), READ_ONLY],
    ),
    (
        "csi",
        "CSI (a Container Storage Interface (CSI) volume source)",
        &[("Driver:", &["driver"], Text), FS_TYPE, READ_ONLY],
    ),
];

const OF_PERSISTENT_VOLUMES: &[Source] = &[
    (
        "glusterfs",
        GLUSTERFS,
        &[
            ("EndpointsName:", &["endpoints"], Text),
            ("EndpointsNamespace:", &["endpointsNamespace"], Or("<unset>")),
            ("Path:", &["path"], Text),
            READ_ONLY,
        ],
    ),
    (
        "scaleIO",
        SCALE_IO,
        &[
            ("Gateway:", &["gateway"], Text),
            ("System:", &["system"], Text),
            ("Protection Domain:", &["protectionDomain"], Text),
            ("Storage Pool:", &["storagePool"], Text),
            ("Storage Mode:", &["storageMode"], Text),
            ("VolumeName:", &["volumeName"], Text),
            ("SecretName:", &["secretRef", "name"], Text),
            ("SecretNamespace:", &["secretRef", "namespace"], Text),
            FS_TYPE,
            READ_ONLY,
        ],
    ),
    (
        "azureFile",
        AZURE_FILE,
        &[
            ("SecretName:", &["secretName"], Text),
            ("SecretNamespace:", &["secretNamespace"], Text),
            ("ShareName:", &["shareName"], Text),
            READ_ONLY,
        ],
    ),
    (
        "csi",
        "CSI (a Container Storage Interface (CSI) volume source)",
        &[("Driver:", &["driver"], Text), FS_TYPE, ("VolumeHandle:", &["volumeHandle"], Text), READ_ONLY],
    ),
];

/// Writes the volumes of a pod's spec; `space` is what stands before the heading in a pod template.
pub fn volumes(w: &mut Writer, volumes: &[Value], space: &str) {
    if volumes.is_empty() {
        return w.line(0, format_args!("{space}Volumes:\t<none>"));
    }
    w.line(0, format_args!("{space}Volumes:"));
    for volume in volumes {
        let indent = if space.is_empty() { "" } else { " " };
        w.line(1, format_args!("{indent}{}:", volume.text(&["name"])));
        if let Some(source) = some(volume, &["emptyDir"]) {
            empty_dir(w, source);
        } else if let Some(source) = some(volume, &["ephemeral"]) {
            ephemeral(w, source);
        } else if let Some(source) = some(volume, &["downwardAPI"]) {
            downward_api(w, source);
        } else if let Some(source) = some(volume, &["projected"]) {
            projected(w, source);
        } else {
            by_fields(w, volume, OF_PODS, "LocalObjectReference");
        }
    }
}

/// Writes what a persistent volume is made of.
pub fn persistent_volume_source(w: &mut Writer, spec: &Value) {
    by_fields(w, spec, OF_PERSISTENT_VOLUMES, "SecretReference");
}

fn by_fields(w: &mut Writer, volume: &Value, others: &[Source], secret_type: &str) {
    let found = SOURCES.iter().chain(others).find_map(|source| Some((source, some(volume, &[source.0])?)));
    let Some(((key, title, fields), source)) = found else { return w.line(1, "<unknown>") };
    w.field(2, "Type", title);
    for (heading, path, show) in *fields {
        w.line(2, format_args!("{heading}\t{}", shown(source, path, *show, secret_type)));
    }
    if *key == "csi" {
        let attributes = pairs(source, &["volumeAttributes"]);
        w.put(2, "VolumeAttributes:\t");
        if attributes.is_empty() {
            w.line(0, "<none>");
        }
        for (index, (key, value)) in attributes.iter().enumerate() {
            if index > 0 {
                w.put(2, "");
                w.put(2, "\t");
            }
            w.line(2, shortened(&format!("{key}={value}"), 140));
        }
    }
}

fn shown(source: &Value, path: &[&str], show: Show, secret_type: &str) -> String {
    match show {
        Text => source.text(path).into(),
        Flag => flag(source, path).to_string(),
        Number => super::read::int(source, path).to_string(),
        List => Brackets(texts(source, path)).to_string(),
        Commas => texts(source, path).join(", "),
        Or(other) => some(source, path).map_or_else(|| other.into(), |value| Scalar(value).to_string()),
        Secret => match some(source, path) {
            None => "nil".into(),
            Some(secret) if secret_type == "SecretReference" => {
                let (name, namespace) = (secret.text(&["name"]), secret.text(&["namespace"]));
                format!("&SecretReference{{Name:{name},Namespace:{namespace},}}")
            }
            Some(secret) => format!("&LocalObjectReference{{Name:{},}}", secret.text(&["name"])),
        },
        Map => {
            let pairs = pairs(source, path).into_iter().map(|(key, value)| format!("{key}:{value}"));
            format!("map[{}]", pairs.collect::<Vec<_>>().join(" "))
        }
    }
}

fn empty_dir(w: &mut Writer, source: &Value) {
    w.field(2, "Type", "EmptyDir (a temporary directory that shares a pod's lifetime)");
    w.field(2, "Medium", source.text(&["medium"]));
    let limit = some(source, &["sizeLimit"]).filter(|limit| number(limit).is_some_and(|limit| limit.sign() > 0));
    w.field(2, "SizeLimit", limit.map_or_else(|| "<unset>".into(), canonical));
}

fn ephemeral(w: &mut Writer, source: &Value) {
    let title = "EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)";
    w.field(2, "Type", title);
    if let Some(template) = some(source, &["volumeClaimTemplate"]) {
        w.deeper(2, |w| claim::claim(w, template, None));
    }
}

fn downward_api(w: &mut Writer, source: &Value) {
    w.field(2, "Type", "DownwardAPI (a volume populated by information about the pod)");
    w.line(2, "Items:");
    for item in source.items_at(&["items"]) {
        for field in [&["fieldRef", "fieldPath"], &["resourceFieldRef", "resource"]] {
            if let Some(field) = text(item, field) {
                w.line(3, format_args!("{field} -> {}", item.text(&["path"])));
            }
        }
    }
}

fn projected(w: &mut Writer, source: &Value) {
    w.field(2, "Type", "Projected (a volume that contains injected data from multiple sources)");
    for source in source.items_at(&["sources"]) {
        let named = [("secret", "SecretName"), ("configMap", "ConfigMapName")];
        if let Some((source, heading)) = named.iter().find_map(|(key, heading)| Some((some(source, &[*key])?, heading)))
        {
            w.field(2, heading, source.text(&["name"]));
            w.field(2, "Optional", flag(source, &["optional"]));
        } else if some(source, &["downwardAPI"]).is_some() {
            w.field(2, "DownwardAPI", true);
        } else if let Some(token) = some(source, &["serviceAccountToken"]) {
            w.field(2, "TokenExpirationSeconds", super::read::int(token, &["expirationSeconds"]));
        }
    }
}
