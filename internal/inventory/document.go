package inventory

import (
	"errors"

	"github.com/switchback-dr/switchback/dr"
)

// Node is a place in a file, read as strictly as the inventory: unknown fields,
// wrong types, aliases and doubled keys are complaints with file and line. A
// field of this type keeps its part of the file for somebody who knows it.
type Node = node

// Document reads another file of the product as strictly as the inventory;
// word names it in complaints ("chatops").
func Document(path, word string, raw []byte) (Node, error) {
	c := &complaints{file: path}
	top, ok := parse(path, raw, c)
	if !ok {
		return node{}, c.err()
	}
	top.path = word
	return top, nil
}

// ReadDocument reads and decodes a file into a struct with yaml tags.
func ReadDocument(path, word string, into any) error {
	raw, err := readFile(path)
	if err != nil {
		return err
	}
	top, err := Document(path, word, raw)
	if err != nil {
		return err
	}
	if err := top.Decode(into); err != nil {
		return dr.Refuse(word, "%s", err).Because(err)
	}
	return nil
}

// SecretRef says where a secret of another file is found; it is read as a
// credential of the inventory is.
type SecretRef struct {
	Env  string `yaml:"env"`
	File string `yaml:"file"`
}

// Empty says that no place is named.
func (s SecretRef) Empty() bool { return s.Env == "" && s.File == "" }

// Read gives the secret; name stands for it in complaints.
func (s SecretRef) Read(name string) (string, error) {
	if (s.Env == "") == (s.File == "") {
		return "", dr.Refuse("credential", "the secret %s must have exactly one of env and file", name)
	}
	v, err := Credential{Name: name, Env: s.Env, File: s.File}.read()
	if err == nil && len(v) < MinSecret {
		err = errors.New("too short")
		return "", dr.Refuse("credential", "the secret %s is shorter than %d characters", name, MinSecret).Because(err)
	}
	return v, err
}
