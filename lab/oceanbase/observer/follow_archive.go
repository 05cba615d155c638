package observer

import "slices"

// followArchive takes in what is new in an archive. It makes of the archive the
// answer that a source would give, so that one function takes both in.
func (o *Cluster) followArchive(t *tenant, src source, q fetchRequest) (again bool) {
	r, err := archiveReply(src, q)
	if err != nil {
		o.blame(t, &queryError{-4018, err})
		return false
	}
	return o.takeIn(t, src, q, r)
}

func archiveReply(src source, q fetchRequest) (fetchReply, error) {
	dir, err := localPath(src.Location)
	if err != nil {
		return fetchReply{}, err
	}
	metas, err := readArchive(dir)
	if err != nil {
		return fetchReply{}, err
	}
	last := metas[len(metas)-1]
	r := fetchReply{ClusterID: last.ClusterID, Cluster: last.Cluster, Version: last.Version, Tenant: last.Tenant}
	for id, p := range last.Streams {
		f := fetchStream{ID: id, Create: p.Create, Begin: p.Begin, End: p.End, Sync: p.Through}
		if i := slices.IndexFunc(q.Streams, func(f fetchFrom) bool { return f.ID == id }); i >= 0 {
			if err := f.fromArchive(dir, metas, q.Streams[i]); err != nil {
				return fetchReply{}, err
			}
		}
		r.Streams = append(r.Streams, f)
	}
	return r, nil
}

// fromArchive fills in a stream's entries behind what the follower has.
func (f *fetchStream) fromArchive(dir string, metas []archiveMeta, from fetchFrom) error {
	if from.LSN > f.End {
		f.Through = from.Sync
		return nil // the archive is behind
	}
	entries, through, gap, err := archived(dir, metas, f.ID, from.LSN)
	if err != nil {
		return err
	}
	if gap {
		f.Problem = problemGap
		return nil
	}
	f.Through = max(from.Sync, min(through, from.Limit))
	before := from.Chain
	for i, e := range entries {
		if e.Chain != chain(before, e.SCN, e.Do) || e.Do.Cut > 0 && from.Sync > e.Do.Cut {
			f.Problem, f.Entries = problemNoMatch, nil
			return nil
		}
		if e.SCN > from.Limit || i == mostEntries {
			f.Through = max(from.Sync, min(f.Through, e.SCN-1))
			return nil
		}
		before = e.Chain
		f.Entries = append(f.Entries, e)
	}
	return nil
}

// behindArchive says whether the tenant lacks what its archive holds. Of the
// tenant on the other side it sees nothing.
func (o *Cluster) behindArchive(t *tenant, src source) (bool, error) {
	dir, err := localPath(src.Location)
	if err != nil {
		return false, entryNotExist.with()
	}
	metas, err := readArchive(dir)
	if err != nil {
		return false, entryNotExist.with()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return t.sync() < metas[len(metas)-1].SCN, nil
}
