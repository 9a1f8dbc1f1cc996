"""What a sweep keeps on disk: the record and what is read out of it, the ledger, the lease, the paths."""
