//! Marks in the place of what no two runs share.

/// A text with a mark in the place of what no two runs share: uids, times, ages, addresses, names of temporary folders.
pub fn marked(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once("resourceVersion") {
        Some((before, _)) => format!("{} resourceVersion <rv>", before.trim()),
        None => line.split_whitespace().map(mark).collect::<Vec<_>>().join(" "),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn mark(word: &str) -> String {
    let digits = |text: &str| text.bytes().filter(u8::is_ascii_digit).count();
    let bare = word.trim_matches(['"', '\'', ',']);
    let is_uid = bare.len() == 36 && bare.matches('-').count() == 4;
    let is_time = digits(bare) >= 6 && bare.matches([':', '-']).count() >= 2;
    let is_age = bare.strip_suffix('s').is_some_and(|number| !number.is_empty() && digits(number) == number.len());
    match () {
        () if is_uid => "<uid>".into(),
        () if bare.starts_with("10.0.0.") => "<ip>".into(),
        () if word.contains("/LIVE-") || word.contains("/MERGED-") => {
            let (_, rest) = word.split_once('-').unwrap();
            let side = if word.contains("LIVE") { "<live>" } else { "<merged>" };
            format!("{side}{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
        }
        () if word.starts_with("/tmp/steer-sandbox-") => "<kubeconfig>".into(),
        () if is_time => "<time>".into(),
        () if is_age => "<age>".into(),
        () => word.to_string(),
    }
}

#[test]
fn marks_stand_for_what_changes() {
    for (text, marks) in [
        ("uid: 27bdc2c7-29a7-4c89-a741-a0f08a20173b", "uid: <uid>"),
        ("shop   ClusterIP   10.0.0.126   <none>  80/TCP   12s", "shop ClusterIP <ip> <none> 80/TCP <age>"),
        ("creationTimestamp: \"2026-11-21T08:50:11Z\"", "creationTimestamp: <time>"),
        (
            "+++ /tmp/MERGED-195/v1.Secret.a\t2026-11-21 08:50:11.422 +0000",
            "+++ <merged>/v1.Secret.a <time> <time> +0000",
        ),
        ("from /tmp/steer-sandbox-d3041e34/kubeconfig", "from <kubeconfig>"),
        ("-  resourceVersion: \"12\"", "- resourceVersion <rv>"),
        ("replicas: 3 s 0/2 nginx:1.31", "replicas: 3 s 0/2 nginx:1.31"),
    ] {
        assert_eq!(marked(text), marks);
    }
}
