//! Tables end to end: commits by several programs, crashes, pages, disks that fail.
#![allow(clippy::unwrap_used)]

mod child;
mod crash;
mod difference;
mod disks;
mod faults;
mod fixture;
mod foreign;
mod model;
mod pages;
mod race;
mod recent;
mod remote;
mod replace;
mod restore;
mod staging;
mod summary;
