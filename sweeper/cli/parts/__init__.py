"""What the verbs share: their options, tables and pages."""
