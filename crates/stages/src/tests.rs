//! The bronze reader and the silver step, from files to committed tables.

mod bad_input;
mod dates;
mod discovery;
mod forms;
mod rules;
mod shop;
