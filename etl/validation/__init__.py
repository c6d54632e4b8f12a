"""Value rules: Great Expectations suites over one frame per form and batch. The library is imported only when rules run."""
