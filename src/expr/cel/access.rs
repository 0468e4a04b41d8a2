//! Kubernetes' authorizer library: questions that are built up step by step, and what an authorizer says.

use super::Failure;
use super::value::Val;
use crate::api::names::{dns1123_label, dns1123_subdomain};
use std::sync::Arc;

/// Whoever says who may do what.
pub trait Authorizer: std::fmt::Debug + Send + Sync {
    /// Whether somebody may: yes or no, with the reason.
    ///
    /// # Errors
    /// When that cannot be said.
    fn check(&self, question: &Question) -> Result<(bool, String), String>;
}

/// What somebody wants to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// A service account by namespace and name; none is the one who asks.
    pub account: Option<(String, String)>,
    /// A path that is no resource's.
    pub path: String,
    /// The group of a resource.
    pub group: String,
    /// The resource.
    pub resource: String,
    /// Its subresource.
    pub subresource: String,
    /// Its namespace.
    pub namespace: String,
    /// The name of an object.
    pub name: String,
    /// The field selector of a request for several.
    pub field_selector: String,
    /// The label selector of one.
    pub label_selector: String,
    /// The verb.
    pub verb: String,
}

/// A value of the library.
#[derive(Clone, Debug)]
pub enum Access {
    /// The authorizer itself.
    Authorizer(Arc<dyn Authorizer>, Question),
    /// A question about a path.
    Path(Arc<dyn Authorizer>, Question),
    /// A question about a group.
    Group(Arc<dyn Authorizer>, Question),
    /// A question about a resource.
    Resource(Arc<dyn Authorizer>, Question),
    /// An answer.
    Decision(Result<(bool, String), String>),
}

impl Access {
    /// The name of the type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Access::Authorizer(..) => "kubernetes.authorization.Authorizer",
            Access::Path(..) => "kubernetes.authorization.PathCheck",
            Access::Group(..) => "kubernetes.authorization.GroupCheck",
            Access::Resource(..) => "kubernetes.authorization.ResourceCheck",
            Access::Decision(_) => "kubernetes.authorization.Decision",
        }
    }
}

/// Calls a function of the library.
pub fn call(name: &str, target: Option<&Val>, args: &[Val]) -> Option<Result<Val, Failure>> {
    let Some(Val::Access(access)) = target else { return None };
    let texts: Vec<String> = args
        .iter()
        .filter_map(|arg| match arg {
            Val::String(text) => Some(text.to_string()),
            _ => None,
        })
        .collect();
    let first = || texts.first().cloned().unwrap_or_default();
    let made = |access: Access| Val::Access(Arc::new(access));
    Some(Ok(match (&**access, name, texts.len()) {
        (Access::Authorizer(by, question), "path", 1) => {
            made(Access::Path(by.clone(), Question { path: first(), ..question.clone() }))
        }
        (Access::Authorizer(by, question), "group", 1) => {
            made(Access::Group(by.clone(), Question { group: first(), ..question.clone() }))
        }
        (Access::Authorizer(by, question), "serviceAccount", 2) => {
            let account = Some((first(), texts[1].clone()));
            let wrong = [dns1123_label(&texts[0]), dns1123_subdomain(&texts[1])];
            match wrong.iter().position(|complaints| !complaints.is_empty()) {
                Some(0) => return Some(Err("Invalid service account namespace".into())),
                Some(_) => return Some(Err("Invalid service account name".into())),
                None => made(Access::Authorizer(by.clone(), Question { account, ..question.clone() })),
            }
        }
        (Access::Group(by, question), "resource", 1) => {
            made(Access::Resource(by.clone(), Question { resource: first(), ..question.clone() }))
        }
        (Access::Resource(by, question), "subresource" | "namespace" | "name", 1)
        | (Access::Resource(by, question), "fieldSelector" | "labelSelector", 1) => {
            let mut question = question.clone();
            *match name {
                "subresource" => &mut question.subresource,
                "namespace" => &mut question.namespace,
                "name" => &mut question.name,
                "fieldSelector" => &mut question.field_selector,
                _ => &mut question.label_selector,
            } = first();
            made(Access::Resource(by.clone(), question))
        }
        (Access::Path(by, question) | Access::Resource(by, question), "check", 1) => {
            let question = Question { verb: first(), ..question.clone() };
            made(Access::Decision(by.check(&question)))
        }
        (Access::Decision(answer), "allowed", 0) => Val::Bool(answer.as_ref().is_ok_and(|(allowed, _)| *allowed)),
        (Access::Decision(answer), "errored", 0) => Val::Bool(answer.is_err()),
        (Access::Decision(answer), "error", 0) => answer.as_ref().err().cloned().unwrap_or_default().into(),
        (Access::Decision(answer), "reason", 0) => {
            answer.as_ref().map(|(_, reason)| reason.clone()).unwrap_or_default().into()
        }
        _ => return None,
    }))
}
