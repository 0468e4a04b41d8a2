//! What kube-apiserver recorded, and what holds besides.

mod cases;
mod recorded;
