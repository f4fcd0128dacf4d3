// The outside judge: Go's sumdb/note and sumdb/tlog, asked one JSON line at a time.
//
// A thin adapter. It decides nothing itself but the three lines of a checkpoint, since tlog.ParseTree takes only
// the origin of Go's own checksum database.
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type request struct {
	Do      string
	Vkey    string
	Name    string
	Text    string
	Note    []byte
	Index   int64
	Size    int64
	Old     int64
	Leaf    tlog.Hash
	Root    tlog.Hash
	OldRoot tlog.Hash
	Proof   []tlog.Hash
	Records [][]byte
}

type answer struct {
	OK      bool
	Error   string
	Signers []string // names of the lines that verified
	Unknown int      // lines of keys that were not given
	Origin  string
	Size    int64
	Root    tlog.Hash
	Vkey    string
	Hash    uint32
	Note    []byte
	Proof   []tlog.Hash
}

// The records given so far, as tlog stores them.
var stored []tlog.Hash
var records int64

var reader = tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(stored)) {
			return nil, errors.New("not stored")
		}
		hashes[i] = stored[index]
	}
	return hashes, nil
})

// parseCheckpoint reads the first three lines of a checkpoint.
func parseCheckpoint(text string, a *answer) (err error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 {
		return errors.New("fewer than three lines")
	}
	a.Origin = lines[0]
	if a.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return err
	}
	a.Root, err = tlog.ParseHash(lines[2])
	return err
}

func judge(r request) (a answer, err error) {
	switch r.Do {
	case "open": // does the note verify with this one key?
		verifier, err := note.NewVerifier(r.Vkey)
		if err != nil {
			return a, err
		}
		opened, err := note.Open(r.Note, note.VerifierList(verifier))
		if err != nil {
			return a, err
		}
		for _, sig := range opened.Sigs {
			a.Signers = append(a.Signers, sig.Name)
		}
		a.Unknown = len(opened.UnverifiedSigs)
		return a, parseCheckpoint(opened.Text, &a)
	case "form": // is it a note at all, whoever signed it?
		_, err := note.Open(r.Note, note.VerifierList())
		var unverified *note.UnverifiedNoteError
		if errors.As(err, &unverified) {
			return a, nil
		}
		return a, err
	case "vkey":
		verifier, err := note.NewVerifier(r.Vkey)
		if err == nil {
			a.Hash = verifier.KeyHash()
		}
		return a, err
	case "sign": // with a new key
		skey, vkey, err := note.GenerateKey(rand.Reader, r.Name)
		if err != nil {
			return a, err
		}
		signer, err := note.NewSigner(skey)
		if err != nil {
			return a, err
		}
		a.Vkey = vkey
		a.Note, err = note.Sign(&note.Note{Text: r.Text}, signer)
		return a, err
	case "records":
		for _, record := range r.Records {
			hashes, err := tlog.StoredHashes(records, record, reader)
			if err != nil {
				return a, err
			}
			stored = append(stored, hashes...)
			records++
		}
		a.Size = records
		return a, nil
	case "root":
		a.Root, err = tlog.TreeHash(r.Size, reader)
		return a, err
	case "prove inclusion":
		proof, err := tlog.ProveRecord(r.Size, r.Index, reader)
		a.Proof = proof
		return a, err
	case "prove consistency":
		proof, err := tlog.ProveTree(r.Size, r.Old, reader)
		a.Proof = proof
		return a, err
	case "inclusion":
		return a, tlog.CheckRecord(r.Proof, r.Size, r.Root, r.Index, r.Leaf)
	case "consistency":
		return a, tlog.CheckTree(r.Proof, r.Size, r.Root, r.Old, r.OldRoot)
	}
	return a, fmt.Errorf("do what? %q", r.Do)
}

func main() {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	out := json.NewEncoder(os.Stdout)
	for in.More() {
		var r request
		if err := in.Decode(&r); err != nil {
			panic(err)
		}
		a, err := judge(r)
		a.OK = err == nil
		if err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			panic(err)
		}
	}
}
