// Reads exported logs with the Go project's own sumdb/note and sumdb/tlog, and nothing of ours:
// the note by the log's public key, every hash and every entry, and that each log goes on from the
// one before it.
//
//	read_log [--self-test] VKEY DIRECTORY...
//
// Ends with 1 when something is wrong. With --self-test each log is read again with one bit of each
// of its files changed, which must be found.
package main

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A site is a directory in the layout of C2SP tlog-tiles. One file of it may be read with a bit
// changed.
type site struct{ directory, changed string }

func (s site) file(path string) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(s.directory, path))
	if err == nil && path == s.changed {
		data[len(data)/2] ^= 1
	}
	return data, err
}

func (s site) Height() int { return 8 }

func (s site) SaveTiles([]tlog.Tile, [][]byte) {}

func (s site) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// C2SP leaves out the height, which is always 8.
		data, err := s.file(strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// stored holds the hashes of a tree, one after the other.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for _, index := range indexes {
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

// checkpoint opens the note and reads its tree, as a database of Go modules would have it.
func checkpoint(s site, key string) (tree tlog.Tree, err error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	text, err := s.file("checkpoint")
	if err != nil {
		return tree, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	rest := strings.TrimPrefix(opened.Text, verifier.Name()+"\n")
	if rest == opened.Text {
		return tree, errors.New("the checkpoint is of another log")
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + rest))
}

func read(s site, key string) (tree tlog.Tree, err error) {
	if tree, err = checkpoint(s, key); err != nil {
		return tree, err
	}
	var indexes []int64
	for index := int64(0); index < tree.N; index++ {
		indexes = append(indexes, tlog.StoredHashIndex(0, index))
	}
	leaves, err := tlog.TileHashReader(tree, s).ReadHashes(indexes)
	if err != nil {
		return tree, err
	}
	// Before version 0.40 the reader does not compare every tile with its parent (CVE-2026-56865):
	// the leaves must lead to the root by themselves, too.
	var hashes stored
	for index, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(index), leaf, hashes)
		if err != nil {
			return tree, err
		}
		hashes = append(hashes, more...)
	}
	if root, err := tlog.TreeHash(tree.N, hashes); err != nil || root != tree.Hash {
		return tree, errors.New("the leaves do not lead to the root")
	}
	tiles := tlog.NewTiles(8, 0, tree.N)
	for place, tile := range tiles {
		// Older versions list a partial tile of each width, of which the log needs the last.
		if next := place + 1; next < len(tiles) && tiles[next].L == tile.L && tiles[next].N == tile.N {
			continue
		}
		if err := readTile(s, tile, hashes); err != nil {
			return tree, err
		}
	}
	return tree, nil
}

// readTile compares a tile with the hashes of the tree and, of level 0, its entries with theirs.
func readTile(s site, tile tlog.Tile, hashes stored) error {
	read, err := s.ReadTiles([]tlog.Tile{tile})
	if err != nil {
		return err
	}
	own, err := tlog.ReadTileData(tile, hashes)
	if err != nil || string(read[0]) != string(own) {
		return fmt.Errorf("%s is not of the tree", tile.Path())
	}
	if tile.L > 0 {
		return nil
	}
	rest, err := s.file(strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1))
	if err != nil {
		return err
	}
	for place := 0; place < tile.W; place++ {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			return errors.New("a bundle is too short")
		}
		end := 2 + int(binary.BigEndian.Uint16(rest))
		leaf := tlog.RecordHash(rest[2:end])
		if string(leaf[:]) != string(own[place*tlog.HashSize:(place+1)*tlog.HashSize]) {
			return errors.New("an entry is not that of its leaf")
		}
		rest = rest[end:]
	}
	if len(rest) > 0 {
		return errors.New("a bundle is too long")
	}
	return nil
}

// follows proves by its tiles that a log goes on from an older one.
func follows(s site, tree, older tlog.Tree) error {
	proof, err := tlog.ProveTree(tree.N, older.N, tlog.TileHashReader(tree, s))
	if err != nil {
		return err
	}
	return tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash)
}

// selfTest changes a bit of each file. It must be found, or reading proves nothing.
func selfTest(s site, key string) (count int, err error) {
	err = filepath.WalkDir(s.directory, func(path string, file fs.DirEntry, err error) error {
		if err != nil || file.IsDir() {
			return err
		}
		name, err := filepath.Rel(s.directory, path)
		if err != nil {
			return err
		}
		count++
		if _, err := read(site{s.directory, name}, key); err == nil {
			return fmt.Errorf("a changed bit of %s is not found", name)
		}
		return nil
	})
	return count, err
}

func run() error {
	isSelfTest := flag.Bool("self-test", false, "change a bit of each file, which must be found")
	flag.Parse()
	if flag.NArg() < 2 {
		return errors.New("usage: read_log [--self-test] VKEY DIRECTORY...")
	}
	text, err := os.ReadFile(flag.Arg(0))
	if err != nil {
		return err
	}
	key := strings.TrimSpace(string(text))
	var older tlog.Tree
	for _, directory := range flag.Args()[1:] {
		own := site{directory: directory}
		tree, err := read(own, key)
		if err == nil && older.N > 0 {
			err = follows(own, tree, older)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", directory, err)
		}
		older = tree
		fmt.Printf("%d entries, root %s", tree.N, tree.Hash)
		if *isSelfTest {
			count, err := selfTest(own, key)
			if err != nil {
				return fmt.Errorf("%s: %w", directory, err)
			}
			fmt.Printf("; a changed bit of each of %d files is found", count)
		}
		fmt.Println()
	}
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "read_log:", err)
		os.Exit(1)
	}
}
