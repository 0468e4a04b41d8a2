//! IP addresses and networks: in unusual forms, and in the fields that once held one of them and now hold several.

use super::field::{Field, quoted};
use crate::api::{Object, ObjectExt, Value, names};
use serde_json::json;
use std::net::IpAddr;

/// Has the field `one` and the list `many`, which came later, agree: where they differ, what clients of old say counts.
/// `key` is the field of the list's items that has the text; empty where they are texts.
pub(super) fn agree(object: &mut Object, one: &[&str], many: &[&str], key: &str) {
    let of_item = |item: &Value| match key {
        "" => item.as_str().unwrap_or_default().to_owned(),
        key => item.text(&[key]).to_owned(),
    };
    let first = object.items_at(many).first().map(of_item);
    let own = object.text(one).to_owned();
    match first {
        _ if !own.is_empty() && first.as_ref() != Some(&own) => {
            object.put(many, if key.is_empty() { json!([own]) } else { json!([{key: own}]) });
        }
        Some(first) if own.is_empty() => object.put(one, first),
        _ => {}
    }
}

/// The advice about an IPv6 address that is not in its canonical form.
pub(super) fn ip_warning(ip: &Field) -> Option<String> {
    let text = ip.text();
    let address = names::parse_ip(text).filter(IpAddr::is_ipv6)?;
    let form = address.to_string();
    let advice =
        format!("{ip}: IPv6 address {} should be in RFC 5952 canonical format ({})", quoted(text), quoted(&form));
    (form != text).then_some(advice)
}

/// The advice about an IPv6 network that is not in its canonical form.
pub(super) fn cidr_warning(cidr: &Field) -> Option<String> {
    let text = cidr.text();
    let (address, bits) = names::parse_cidr(text).filter(|(address, _)| address.is_ipv6())?;
    let form = format!("{address}/{bits}");
    let advice =
        format!("{cidr}: IPv6 CIDR value {} should be in RFC 5952 canonical format ({})", quoted(text), quoted(&form));
    (form != text).then_some(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many_agree() {
        for (given, want) in [
            (json!({}), json!({})),
            (json!({"one": "a"}), json!({"one": "a", "many": ["a"]})),
            (json!({"many": ["b", "c"]}), json!({"one": "b", "many": ["b", "c"]})),
            (json!({"one": "a", "many": ["b", "c"]}), json!({"one": "a", "many": ["a"]})),
            (json!({"one": "b", "many": ["b", "c"]}), json!({"one": "b", "many": ["b", "c"]})),
        ] {
            let mut object = given.clone();
            agree(&mut object, &["one"], &["many"], "");
            assert_eq!(object, want, "{given}");
        }
        let mut object = json!({"ip": "a"});
        agree(&mut object, &["ip"], &["ips"], "ip");
        assert_eq!(object["ips"], json!([{"ip": "a"}]));
    }
}
