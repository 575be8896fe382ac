//! The bronze reader and the silver step, from files to committed tables.

mod bad_input;
mod computed;
mod contracts;
mod dates;
mod discovery;
mod explode;
mod forms;
mod gate;
mod kept;
mod landing;
mod many_dates;
mod replay;
mod retail;
mod rules;
mod shipped;
mod shop;
mod upsert;
mod whole_files;
