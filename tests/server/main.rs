//! `steer serve` as a process: what it survives, what it bears, and clients that nobody here wrote.

#![cfg(feature = "apiserver")]
#![allow(clippy::unwrap_used, reason = "a test may stop at once")]

mod clients;
mod connection;
mod durability;
mod etcd;
mod http2;
mod load;
mod several;
