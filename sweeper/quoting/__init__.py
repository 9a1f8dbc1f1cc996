"""What a sweep will cost, before it is launched: paces from probes, records or a table, and a rehearsal."""
