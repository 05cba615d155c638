package inventory_test

import "testing"

func TestEveryMistakeInTheFrameIsNamedWithItsLine(t *testing.T) {
	testMistakes(t, []mistake{
		{"version: 1\n", "", "# A complete", "the inventory has no version; begin it with version: 1"},
		{"version: 1\n", "version: 2\n", "version:", "version 2 is not known; this release reads version 1"},
		{"version: 1\n", "version: 0\n", "version:", "version 0 is not known; this release reads version 1"},
		{"version: 1\n", "version: one\n", "version:", `version must be a whole number, not "one"`},
		{"version: 1\n", "version:\n", "version:", "version is empty; give it a value or remove it"},
		{"reports: {dir", "report: {dir", "report:", `the inventory has no field "report"; did you mean "reports"?`},
		{"reports: {dir", "reports: {directory", "reports:", `reports has no field "directory"; known: dir`},
		{"reports: {dir: /var/lib/switchback/reports}", "reports: /var/lib", "reports:", `reports must be a mapping, not "/var/lib"`},
		{"reports: {dir: /var/lib/switchback/reports}", "reports: {dir: ~root/x}", "reports:", "reports.dir names another user's home; write the path out"},
		{"reports: {dir: /var/lib/switchback/reports}", "reports: {dir: \"a\\nb\"}", "reports:", "reports.dir is a path with a line break or a zero byte"},
		{"    home: east\n", "    home: east\n    home: west\n", "home: west", "systems.orders.home stands twice; the first is in line 55"},
		{"      west: {host: db2}\n", "      west: {host: db2}\n      west: {host: db1}\n", "west: {host: db1}", "systems.orders.sites.west stands twice; the first is in line 59"},
		{"    home: east\n", "    home: &a east\n", "home: &a", "systems.orders.home has the anchor &a; anchors are not allowed"},
		{"    policy: production\n", "    policy: *a\n", "policy: *a", "the alias *a is used; write the values out"},
		{"    home: east\n", "    home: !!str east\n", "home: !!str", "systems.orders.home has the tag !!str; tags are not allowed"},
		{"    home: east\n", "    ? [home]\n    : east\n", "? [home]", "systems.orders has a key that is not a plain text"},
		{"    home: east\n", "    home: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]\n", "home: [[", "systems.orders.home[0][0][0][0][0][0][0][0][0][0][0][0][0][… is nested more than 32 levels deep"},
		{"        skip: free\n", "        skip: free\n---\nversion: 1\n", "---", "there is a second YAML document; the inventory is one"},
		{"version: 1\n", "version: 1\n\tx: 1\n", "version: 1", "this is not YAML, here or in the next line: found a tab character that violates indentation"},
	})
}

func TestEveryMistakeAboutPeopleIsNamedWithItsLine(t *testing.T) {
	testMistakes(t, []mistake{
		{"  carla:\n", "  Carla!:\n", "Carla!", `the person name "Carla!" is not allowed: use lower-case letters, digits and inner hyphens, at most 63`},
		{"  carla:\n", "  unknown:\n", "unknown:", `nobody may have the ID "unknown": it stands for a requester who is not known`},
		{"    name: Carla\n", "    name: \"C\\ea\"\n", "name: \"C", "people.carla.name contains control characters"},
		{"    name: Carla\n", "    nmae: Carla\n", "nmae", `people.carla has no field "nmae"; did you mean "name"?`},
		{"    name: Carla\n    roles: [lead]", "    name: Carla\n    roles: lead", "roles: lead\n", `people.carla.roles must be a list, not "lead"`},
		{"    name: Carla\n    roles: [lead]", "    name: Carla\n    roles: [Lead]", "roles: [Lead]\n", `the role name "Lead" is not allowed: use lower-case letters, digits and inner hyphens, at most 63`},
		{"    name: Carla\n", "    name: Carla\n    accounts: [slack]\n", "accounts: [slack]", `people.carla.accounts[0] is "slack", not an account such as slack:T1/U1`},
		{"\"mattermost:ben\"", "\"slack:T1/U1\"", "\"slack:T1/U2\"", "the account slack:T1/U1 of ben belongs to anna already, in line 10"},
		{"\"mattermost:ben\"", "\"slack:T1/U2\"", "\"slack:T1/U2\"", "the account slack:T1/U2 stands twice under ben, first in line 16"},
		{"    name: Carla\n", "    name: Carla\n    ssh_keys: [hello]\n", "ssh_keys: [hello]", "people.carla.ssh_keys[0]: this is no OpenSSH public key line such as ssh-ed25519 AAAA... name"},
	})
}

func TestEveryMistakeAboutPoliciesIsNamedWithItsLine(t *testing.T) {
	testMistakes(t, []mistake{
		{"    quorum: 2\n", "    quorun: 2\n", "quorun", `policies.production has no field "quorun"; did you mean "quorum"?`},
		{"    quorum: 2\n", "    quorum: two\n", "quorum: two", `policies.production.quorum must be a whole number, not "two"`},
		{"    quorum: 2\n", "    quorum: 0\n", "quorum: 0", "policies.production.quorum is 0; at least one person must decide"},
		{"    quorum: 2\n", "    quorum: 9\n", "policy: production", "the gate decide of system orders asks for 9 approvals, but under people are only 3 who may decide"},
		{"    quorum: 2\n", "    unsigned: maybe\n", "unsigned: maybe", `policies.production.unsigned is "maybe", not refuse, count or attested`},
		{"    quorum: 2\n", "    exclude_requester: yes\n", "exclude_requester", `policies.production.exclude_requester must be true or false, not "yes"`},
		{"    open_for: 2h\n", "    open_for: soon\n", "open_for: soon", `policies.production.open_for: "soon" is no duration such as 30s or 1h15m`},
		{"    open_for: 2h\n", "    open_for: 0s\n", "open_for: 0s", "policies.production.open_for is zero; no decision could ever be in time"},
		{"    open_for: 2h\n", "    usable_for: -1h\n", "usable_for", `policies.production.usable_for: the duration "-1h" is negative`},
		{"    hold: {roles: [dba]}\n", "    hold: {roles: [ops]}\n", "hold:", `policies.production.hold.roles[0] is "ops", a role that nobody under people has`},
		{"    hold: {roles: [dba]}\n", "    hold: {quorum: 0}\n", "hold:", "policies.production.hold.quorum is 0; at least one person must decide"},
		{"    hold: {roles: [dba]}\n", "    hold:\n", "hold:", "policies.production.hold is empty; give it a value or remove it"},
		{"      cutover: {", "      cutoff: {", "cutoff:", `policies.production.gates has no gate "cutoff"; known: decide, convert, overwrite, cutover, undo`},
		{"    gates:\n      cutover: {quorum: 3, reason_required: true}\n", "    gates: [cutover]\n", "gates:", "policies.production.gates must be a mapping of gates"},
	})
}

func TestEveryMistakeAboutHostsIsNamedWithItsLine(t *testing.T) {
	testMistakes(t, []mistake{
		{"  spare: {", "  \"spare; rm\": {", "spare; rm", `the host name "spare; rm" is not allowed: use lower-case letters, digits and inner hyphens, at most 63`},
		{"  spare: {address: spare.example.com}", "  spare: {}", "spare:", "the host spare has no address"},
		{"  spare: {address: spare.example.com}", "  spare: {address: \"\"}", "spare:", "the address of host spare is empty"},
		{"  spare: {address: spare.example.com}", "  spare: {address: 10.0.0.256}", "spare:", `the address "10.0.0.256" of host spare is neither an IP address nor a host name`},
		{"  spare: {address: spare.example.com}", "  spare: {address: \"$(id)\"}", "spare:", `the address "$(id)" of host spare is neither an IP address nor a host name`},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, port: 0", "spare:", "the port 0 of host spare is not between 1 and 65535"},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, port: 70000", "spare:", "the port 70000 of host spare is not between 1 and 65535"},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, port: \"22\"", "spare:", `hosts.spare.port must be a whole number, not "22"`},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, user: \"a b\"", "spare:", `the user "a b" of host spare is no login name`},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, job_dir: jobs", "spare:", `the job_dir "jobs" of host spare must be absolute or begin with ~/, of letters, digits and ._-`},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, job_dir: /a/../b", "spare:", `the job_dir "/a/../b" of host spare must be absolute or begin with ~/, of letters, digits and ._-`},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, keys: []", "spare:", "the host spare has no way to log in; give it keys, agent: true or a password"},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, keys: [\"\"]", "spare:", "hosts.spare.keys[0] is empty"},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, password: s3cret", "spare:", "the password of host spare is not the name of a credential under credentials"},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, jump: bastoin", "spare:", `the host spare jumps over "bastoin", which is not a host; did you mean "bastion"?`},
		{"  spare: {address: spare.example.com", "  spare: {address: spare.example.com, jump: spare", "spare:", "the host spare can only be reached through itself; its jump hosts go in a circle"},
		{"    user: postgres\n", "    user: postgres\n    address: x\n", "    address: x", "defaults.hosts.address cannot be a default; every host has its own"},
		{"    user: postgres\n", "    user: postgres\n    prot: 22\n", "prot", `defaults.hosts has no field "prot"; did you mean "port"?`},
		{"orders-db: {env: ORDERS_DB_PASSWORD}", "orders-db: hunter2", "orders-db: ", "the credential orders-db must have either env: VARIABLE or file: PATH; the secret itself never stands here"},
		{"orders-db: {env: ORDERS_DB_PASSWORD}", "orders-db: {}", "orders-db: ", "the credential orders-db must have either env: VARIABLE or file: PATH"},
		{"orders-db: {env: ORDERS_DB_PASSWORD}", "orders-db: {env: A, file: b}", "orders-db: ", "the credential orders-db must have either env: VARIABLE or file: PATH"},
		{"orders-db: {env: ORDERS_DB_PASSWORD}", "orders-db: {env: hunter-2}", "orders-db: ", "credentials.orders-db.env is not the name of an environment variable"},
		{"orders-db: {env: ORDERS_DB_PASSWORD}", "orders-db: {value: hunter2}", "orders-db: ", `credentials.orders-db has no field "value"; known: env, file`},
	})
}

func TestEveryMistakeAboutASystemIsNamedWithItsLine(t *testing.T) {
	testMistakes(t, []mistake{
		{"  orders:\n    product", "  or_ders:\n    product", "or_ders", `the system name "or_ders" is not allowed: use lower-case letters, digits and inner hyphens, at most 63`},
		{"    product: fake\n    home: east\n    policy", "    home: east\n    policy", "orders:\n", "the system orders has no product; known: fake"},
		{"    product: fake\n", "    product: fak\n", "product: fak", `the product "fak" of system orders is not known; did you mean "fake"?`},
		{"    home: east\n", "    home: eats\n", "home: eats", `the home "eats" of system orders is not one of its sites; did you mean "east"?`},
		{"    home: east\n", "    hom: east\n", "hom: east", `systems.orders has no field "hom"; did you mean "home"?`},
		{"    policy: production\n", "    policy: prod\n", "policy: prod\n", `the policy "prod" of system orders is not there; known: production`},
		{"      west: {host: db2}\n", "      west: {host: db2}\n      we$t: {host: db1}\n", "we$t", `the site name "we$t" is not allowed: use lower-case letters, digits and inner hyphens, at most 63`},
		{"      west: {host: db2}\n", "      west: {host: db9}\n", "west: {host: db9}", `the host "db9" is not under hosts`},
		{"      west: {host: db2}\n", "      west: {host: db2, prot: 1}\n", "west: {host: db2", `systems.orders.sites.west has no field "prot"; did you mean "port"?`},
		{"      west: {host: db2}\n", "      west: {host: db2, port: x}\n", "west: {host: db2", `systems.orders.sites.west.port must be a whole number, not "x"`},
		{"      password: orders-db\n", "      password: nope\n", "password: nope", "there is no such credential"},
		{"    limits: {observe: 15s", "    limits: {observe: 0s", "limits:", "systems.orders.limits.observe is zero; nothing could be observed"},
		{"limits: {observe: 15s", "limits: {obsrve: 15s", "limits:", `systems.orders.limits has no field "obsrve"; did you mean "observe"?`},
	})
}

func TestEveryMistakeInApplicationsClientsFencesAndHooksIsNamedWithItsLine(t *testing.T) {
	testMistakes(t, []mistake{
		{"      - name: shop\n", "      - name: \"shop;x\"\n", "shop;x", `the application name "shop;x" is not allowed: use lower-case letters, digits and inner hyphens, at most 63`},
		{"      - name: batch\n", "      - name: shop\n", "name: shop\n        hosts: {east: app1}\n", `systems.orders.applications has the name "shop" twice; the first is in line 65`},
		{"        unit: shop.service\n", "        unit: shop\n", "unit: shop", `systems.orders.applications[0].unit is "shop", not a systemd unit such as myapp.service`},
		{"        unit: shop.service\n", "        unit: shop.service\n        stop: [x]\n", "unit: shop", "systems.orders.applications[0] has both a unit and commands; write one of the two"},
		{"        unit: shop.service\n", "", "- name: shop", "systems.orders.applications[0] has neither a unit, a vcs_group nor the commands stop, start and running"},
		{"        unit: shop.service\n", "        unit: shop.service\n        vcs_group: shop_grp\n", "vcs_group: shop_grp", "systems.orders.applications[0] has a vcs_group and a unit or commands; write one of them"},
		{"        unit: shop.service\n", "        vcs_group: shop grp\n", "vcs_group: shop grp", `systems.orders.applications[0].vcs_group is "shop grp", not the name of a service group`},
		{"        hosts: {east: app1, west: app1}\n", "", "- name: shop", "systems.orders.applications[0] has no hosts; say at which site it runs on which host"},
		{"        hosts: {east: app1, west: app1}\n", "        hosts: {east: app1, north: app1}\n", "north", `systems.orders.applications[0].hosts.north names the site "north", which orders does not have; known: east, west`},
		{"        hosts: {east: app1, west: app1}\n", "        hosts: {east: app2}\n", "app2", `systems.orders.applications[0].hosts.east names the host "app2", which is not under hosts; did you mean "app1"?`},
		{"        stop: [/opt/batch/ctl, stop]\n", "", "- name: batch", "systems.orders.applications[1] has no stop, which must be a list of program and arguments"},
		{"        stop: [/opt/batch/ctl, stop]\n", "        stop: [/opt/batch/ctl, \"\"]\n", "stop: [", "systems.orders.applications[1].stop[1] is empty; every element of a command needs text"},
		{"        stop: [/opt/batch/ctl, stop]\n", "        stop: [/opt/batch/ctl, \"a\\nb\"]\n", "stop: [", "systems.orders.applications[1].stop[1] contains a line break or a zero byte, which no command may"},
		{"        stop: [/opt/batch/ctl, stop]\n", "        stop: /opt/batch/ctl stop\n", "stop: /", `systems.orders.applications[1].stop must be a list, not "/opt/batch/ctl stop"`},
		{"        timeout: 5m\n", "        timeout: 0s\n", "timeout: 0s", "systems.orders.applications[1].timeout is zero; no command could end in time"},
		{"          west: [/opt/vip/point, west]\n", "", "point:", "systems.orders.clients[0].point has no command for the site west"},
		{"          west: [/opt/vip/point, west]\n", "          west: []\n", "west: []", "systems.orders.clients[0].point.west is empty; it must be a list of program and arguments"},
		{"        show: [/opt/vip/show]\n", "", "- name: address", "systems.orders.clients[0] has no show, which must be a list of program and arguments"},
		{"        site: east\n", "        site: north\n", "site: north", `systems.orders.fence[0].site names the site "north", which orders does not have; known: east, west`},
		{"        site: east\n", "", "- name: power-east", "systems.orders.fence[0] has no site"},
		{"        site: east\n        host: third\n", "        site: east\n        host: db1\n", "        host: db1", "systems.orders.fence[0].host is db1, which belongs to the site east that it fences; name a host in a third place"},
		{"        proven: Chassis Power is off\n", "", "- name: power-east", "systems.orders.fence[0] has no proven: the exact first line of the proof's output"},
		{"        proven: Chassis Power is off\n", "        proven: \"a\\nb\"\n", "proven: ", "systems.orders.fence[0].proven must be one line without outer blanks"},
		{"        survives_reboot: true\n", "        survives_reboot: 1\n", "survives_reboot", `systems.orders.fence[0].survives_reboot must be true or false, not "1"`},
		{"        phase: prepare\n", "        phase: prepaer\n", "phase: ", `systems.orders.hooks[0].phase is "prepaer", which is no phase; did you mean "prepare"?`},
		{"        phase: prepare\n", "", "- name: freeze-deploys", "systems.orders.hooks[0] has no phase"},
		{"        when: before\n", "        when: during\n", "when: ", `systems.orders.hooks[0].when is "during", not before or after`},
		{"        skip: free\n", "        skip: always\n", "skip: always", `systems.orders.hooks[0].skip is "always", not never, decision or free`},
		{"        host: app1\n", "", "- name: freeze-deploys", "systems.orders.hooks[0] has no host"},
		{"        host: app1\n", "        host:\n", "        host:\n", "systems.orders.hooks[0].host is empty; give it a value or remove it"},
	})
}

func TestEveryMistakeAboutVirtualAddressesIsNamedWithItsLine(t *testing.T) {
	const show = "        show: [/opt/vip/show]\n"
	vip := func(addresses, east string) string {
		return show + "      - name: ip\n        vip:\n          addresses: " + addresses + "\n          sites:\n            east: " + east +
			"\n            west: {host: db2, interface: eth0}\n"
	}
	const good, at = "{host: db1, interface: eth0}", "systems.orders.clients[1].vip"
	testMistakes(t, []mistake{
		{show, vip("[]", good), "vip:", at + " has no addresses"},
		{show, vip("[192.0.2.50]", good), "addresses:", at + `.addresses has "192.0.2.50", not an address with a prefix length such as 192.0.2.50/24`},
		{show, vip("[127.0.0.5/8]", good), "addresses: [127", at + ".addresses has 127.0.0.5/8, which no interface can serve clients with"},
		{show, vip("[192.0.2.0/24]", good), "addresses: [192", at + ".addresses has 192.0.2.0/24, which is the network itself"},
		{show, vip("[192.0.2.5/24, 192.0.2.5/24]", good), "addresses: [192", at + ".addresses has 192.0.2.5/24 twice"},
		{show, vip("[192.0.2.5/24]", "{host: db1, interface: \"eth0; reboot\"}"), "reboot", at + `.sites.east.interface is "eth0; reboot", not the name of an interface such as eth0`},
		{show, vip("[192.0.2.5/24]", "{host: dbx, interface: eth0}"), "dbx", at + `.sites.east.host names the host "dbx", which is not under hosts; did you mean "db1"?`},
		{show, vip("[192.0.2.5/24]", good) + "        host: db1\n", "vip:", "systems.orders.clients[1] has both a vip and commands; write two clients"},
	})
}
