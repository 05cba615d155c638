package inventory

import (
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/switchback-dr/switchback/adapters/kit"
	"github.com/switchback-dr/switchback/dr"
)

// Inventory is the file, read and checked.
type Inventory struct {
	// Path is the file it was read from.
	Path        string
	People      map[string]Person
	Gateways    map[string]Gateway
	Hosts       map[string]Host
	Credentials map[string]Credential
	// Systems are in the file's order.
	Systems []*System
	Reports Reports
}

// Person is somebody who may start procedures and decide.
type Person struct {
	ID    string
	Name  string
	Roles []string
	// Keys are the public keys that the person signs with.
	Keys []ssh.PublicKey
	// Accounts are chat accounts, as "slack:T1/U1".
	Accounts []string
}

// Host is where and how a host is reached over SSH. It holds only what a
// connection needs, so that the package that connects need not know the file.
type Host struct {
	Name    string
	Address string
	Port    int
	User    string
	// KeyFiles are private keys, absolute paths on the worker.
	KeyFiles []string
	// UseAgent says that the keys of the worker's SSH agent may be offered.
	UseAgent bool
	// PasswordCredential names a credential; "" means no password.
	PasswordCredential string
	// KnownHosts are files in OpenSSH's format, absolute paths.
	KnownHosts []string
	// Jump names the host through which this one is reached; "" means
	// directly.
	Jump string
	// JobDir is where claims and jobs live on the host: absolute, or below
	// the login user's home ("~/...").
	JobDir string
}

// DefaultJobDir is a host's JobDir when the inventory says nothing.
const DefaultJobDir = "~/.switchback/jobs"

// Credential says where a secret is found: exactly one of the two is set.
type Credential struct {
	Name string
	// Env is an environment variable of the worker.
	Env string
	// File is an absolute path on the worker.
	File string
}

// Reports says where reports go.
type Reports struct {
	// Dir is an absolute directory on the worker.
	Dir string
}

// System is one replicated system.
type System struct {
	Name    string
	Product string
	// Home is the site that is primary when nothing is wrong; "" when the
	// inventory does not say.
	Home string
	// Sites are in the file's order.
	Sites []string
	// Policies are complete: defaults are filled in.
	Policies     dr.Policies
	Limits       Limits
	Applications []Application
	Clients      []Client
	Fences       []Fence
	Hooks        []Hook
	// Adapter is the product; Instance is this system as the adapter decoded
	// it.
	Adapter  kit.Adapter
	Instance kit.System

	entry       node
	hosts       []Host
	credentials []string

	once      sync.Once
	digest    string
	fields    map[string]string
	digestErr error
}

// Limits are the bounds that are common to all products; a product has its own
// beside them.
type Limits struct {
	// Observe is how long an observation of all sites may take.
	Observe dr.Duration
}

// DefaultObserve is Limits.Observe when the inventory says nothing.
const DefaultObserve = 20 * time.Second

// DefaultTimeout is the timeout of an application's, client's, fence's or
// hook's command when the inventory says nothing.
const DefaultTimeout = 2 * time.Minute

// Application is a program that uses the system and is stopped and started
// with it. Either Unit is set, or Stop, Start and Running are.
type Application struct {
	Name string
	// Hosts says on which host the application runs at each site; a site
	// where it does not run is left out.
	Hosts map[string]string
	// Unit is a systemd unit: stopped and started by sudo systemctl, proven
	// by systemctl is-active.
	Unit string
	// Group is a service group of Veritas Cluster Server, of the cluster that
	// the host belongs to: brought online and offline by sudo hagrp.
	Group string
	Stop  []string
	Start []string
	// Running is the proof: exit code 0 means running, 3 means stopped (as
	// systemctl and init scripts do), everything else means unknown.
	Running []string
	Timeout dr.Duration
}

// Client is an address by which clients find the system. Commands run on Host.
type Client struct {
	Name string
	Host string
	// Point makes the clients reach the site.
	Point map[string][]string
	// None makes the clients reach no site.
	None []string
	// Show prints exactly the name of the site that clients reach, or "none".
	Show []string
	// One of these is set instead of Host and the commands.
	VIP       *VIP
	DNS       *DNS
	HAProxy   *HAProxy
	PgBouncer *PgBouncer
	// Probe proves that clients arrive; may be nil.
	Probe   *Probe
	Timeout dr.Duration
}

// Fence takes a site out from a third place.
type Fence struct {
	Name string
	// Site is the one that is fenced.
	Site string
	// Host is where the commands run; it must not belong to the fenced site.
	Host string
	// On fences, Off releases, Proof tells the state.
	On    []string
	Off   []string
	Proof []string
	// Proven is the exact first line of Proof's output that proves the fence.
	Proven string
	// SurvivesReboot says that the fence holds when the fenced hosts boot.
	SurvivesReboot bool
	Timeout        dr.Duration
}
