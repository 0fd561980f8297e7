//! The simulated world: callers, advisers and a network whose clock jumps to the next deadline.
