//! Rules on small frames, and on hostile ones.
