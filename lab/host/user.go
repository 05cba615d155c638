package host

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// User is the ordinary user that a lab's processes run as.
type User struct {
	Name string
	// UID and GID are negative when the processes simply run as the lab's
	// own user.
	UID, GID int
}

// OrdinaryUser chooses who a lab's processes run as. PostgreSQL and most of
// its peers refuse to run as root, so a lab that was started as root drops to
// the first of the given accounts that exists, else to nobody. The account
// must have a name: initdb and libpq look up the user of their uid.
func OrdinaryUser(accounts ...string) (User, error) {
	if os.Geteuid() != 0 {
		me, err := user.Current()
		if err != nil {
			return User{}, fmt.Errorf("the lab cannot tell which user it runs as: %w", err)
		}
		return User{Name: me.Username, UID: -1, GID: -1}, nil
	}
	for _, name := range append(accounts, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return User{Name: name, UID: uid, GID: gid}, nil
		}
	}
	return User{}, fmt.Errorf("the lab was started as root and found no ordinary user to run as: start it as an ordinary user")
}

func (u User) own(path string) error {
	if u.UID < 0 {
		return nil
	}
	if err := os.Lchown(path, u.UID, u.GID); err != nil {
		return fmt.Errorf("the lab cannot give %s to %s: %w", path, u.Name, err)
	}
	return nil
}
