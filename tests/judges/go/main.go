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
	"path/filepath"
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
	Folder  string
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

// tilePath maps a tile of tlog to its place in C2SP tlog-tiles: there is one height, 8, which is not named.
func tilePath(t tlog.Tile) string {
	path := strings.Replace(t.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(path, "tile/data/", "tile/entries/", 1)
}

// published reads tiles from a folder, as a tlog.TileReader.
type published struct{ folder string }

func (p published) Height() int                                { return 8 }
func (p published) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (p published) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, t := range tiles {
		one, err := os.ReadFile(filepath.Join(p.folder, tilePath(t)))
		if err != nil {
			return nil, err
		}
		data = append(data, one)
	}
	return data, nil
}

// readTiles opens the checkpoint of a published log, proves every hash tile against it, then every entry.
func readTiles(r request, a *answer) error {
	verifier, err := note.NewVerifier(r.Vkey)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(r.Folder, "checkpoint"))
	if err != nil {
		return err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return err
	}
	if err := parseCheckpoint(opened.Text, a); err != nil {
		return err
	}
	tree := tlog.TileHashReader(tlog.Tree{N: a.Size, Hash: a.Root}, published{r.Folder})
	var own []tlog.Hash // the hashes of the entries themselves, as tlog stores them
	ownReader := tlog.HashReaderFunc(func(indexes []int64) (found []tlog.Hash, err error) {
		for _, index := range indexes {
			found = append(found, own[index])
		}
		return found, nil
	})
	for n := int64(0); n < a.Size; {
		width := min(256, a.Size-n)
		bundle, err := published{r.Folder}.ReadTiles([]tlog.Tile{{H: 8, L: -1, N: n / 256, W: int(width)}})
		if err != nil {
			return err
		}
		for rest := bundle[0]; width > 0; width-- {
			if len(rest) < 2 || len(rest) < 2+(int(rest[0])<<8|int(rest[1])) {
				return errors.New("bundle cut")
			}
			end := 2 + (int(rest[0])<<8 | int(rest[1]))
			hashes, err := tlog.StoredHashes(n, rest[2:end], ownReader)
			if err != nil {
				return err
			}
			own = append(own, hashes...)
			theirs, err := tree.ReadHashes([]int64{tlog.StoredHashIndex(0, n)})
			if err != nil {
				return err
			}
			if theirs[0] != tlog.RecordHash(rest[2:end]) {
				return fmt.Errorf("entry %d is not the one of its tile", n)
			}
			rest, n = rest[end:], n+1
			if (width == 1) != (len(rest) == 0) {
				return errors.New("bundle of another width")
			}
		}
	}
	root, err := tlog.TreeHash(a.Size, ownReader)
	if err == nil && root != a.Root {
		err = errors.New("the entries have another root")
	}
	return err
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
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
	case "tiles": // does a folder of C2SP tiles hold what its checkpoint says?
		return a, readTiles(r, &a)
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
