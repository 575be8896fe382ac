//! The bronze reader and the silver step, from files to committed tables.

mod bad_input;
mod computed;
mod contracts;
mod dates;
mod discovery;
mod forms;
mod gate;
mod landing;
mod retail;
mod rules;
mod shipped;
mod shop;
