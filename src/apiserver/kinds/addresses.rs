//! IP addresses and networks in unusual forms.

use super::field::{Field, quoted};
use crate::api::names;
use std::net::IpAddr;

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
