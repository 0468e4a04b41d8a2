//! What expressions learn of an authorizer. They cannot wait for its answers, so questions that have none yet are noted,
//! answered, and the expressions evaluated once more.

use super::super::super::auth::authenticate::service_account;
use super::super::super::auth::{Attributes, User};
use super::super::super::errors::Answer;
use super::super::super::pipeline::Server;
use super::super::Asked;
use crate::expr::cel::access::{Access, Authorizer, Question};
use crate::expr::cel::{Val, Variables};
use std::sync::{Arc, Mutex, PoisonError};

/// How often expressions are evaluated: each time there are answers that there were not before.
const ROUNDS: usize = 64;

type Given = Result<(bool, String), String>;

/// The questions of expressions, with the answers that there are.
#[derive(Debug, Default)]
struct Questions(Mutex<Vec<(Question, Option<Given>)>>);

impl Authorizer for Questions {
    fn check(&self, question: &Question) -> Given {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.iter().find(|(known, _)| known == question) {
            Some((_, answer)) => answer.clone().unwrap_or_else(|| Err("not known yet".into())),
            None => {
                all.push((question.clone(), None));
                Err("not known yet".into())
            }
        }
    }
}

impl Questions {
    fn open(&self) -> Vec<Question> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().filter(|(_, answer)| answer.is_none()).map(|(question, _)| question.clone()).collect()
    }

    fn answer(&self, question: &Question, answer: Given) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, given)) = all.iter_mut().find(|(known, _)| known == question) {
            *given = Some(answer);
        }
    }
}

impl Server {
    /// Evaluates with values to which those are added that ask an authorizer.
    pub(in crate::apiserver) async fn with_authorizer<T>(
        &self,
        asked: &Asked<'_>,
        name: &str,
        values: &Variables,
        evaluate: impl Fn(&Variables) -> T,
    ) -> Answer<T> {
        let questions = Arc::new(Questions::default());
        let resource = Question {
            group: asked.served.kind.group.clone(),
            resource: asked.served.info.resource.clone(),
            subresource: asked.subresource.into(),
            namespace: asked.namespace.into(),
            name: name.into(),
            ..Question::default()
        };
        let value = |access: Access| Val::Access(Arc::new(access));
        let values = values
            .clone()
            .with("authorizer", value(Access::Authorizer(questions.clone(), Question::default())))
            .with("authorizer.requestResource", value(Access::Resource(questions.clone(), resource)));
        let mut result = evaluate(&values);
        for _ in 0..ROUNDS {
            let open = questions.open();
            if open.is_empty() {
                break;
            }
            for question in open {
                let answer = self.answer_question(asked, &question).await?;
                questions.answer(&question, answer);
            }
            result = evaluate(&values);
        }
        Ok(result)
    }

    async fn answer_question(&self, asked: &Asked<'_>, question: &Question) -> Answer<Given> {
        let user = match (&question.account, asked.user) {
            (Some((namespace, name)), _) => service_account(namespace, name),
            (None, Some(user)) => user.clone(),
            (None, None) => User::default(),
        };
        let Question { verb, group, resource, subresource, namespace, name, path, .. } = question.clone();
        let attributes = Attributes { verb, group, resource, subresource, namespace, name, path };
        let decision = self.authorize(&user, &attributes).await?;
        Ok(Ok((decision.allowed, decision.reason)))
    }
}
