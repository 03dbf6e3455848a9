//! Tests of the estimator as a whole.
