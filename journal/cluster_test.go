package journal

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// TestCluster: three servers keep each event. One after the other goes away and comes back while events are appended, the leader of
// the stream among them: nothing is lost, doubled or put in another order.
func TestCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3)
	b := openBench(t, Config{URL: c.urls(), Replicas: 3, Dir: t.TempDir()}, numbers(5000))
	first := b.add(50)
	b.settled()
	for i := range c.servers {
		c.stop(i)
		for range 20 {
			b.add(5)
			<-time.After(10 * time.Millisecond)
		}
		b.settled()
		c.start(i)
		b.until("the cluster is whole", c.whole)
	}
	last := b.log.Last()
	if gaps := b.read(Cursor{}, last.Seq); gaps != nil || last.Seq != 350 {
		t.Errorf("gaps %v, at %v", gaps, last)
	}
	b.again(numbers(10))
	if at := b.log.Last(); at != last || at.Epoch != first.Epoch {
		t.Errorf("at %v, was at %v", at, last)
	}
	if gaps := b.read(Cursor{}, last.Seq); gaps != nil {
		t.Errorf("gaps %v", gaps)
	}
}

// cluster is servers on loopback that know each other.
type cluster struct {
	t       *testing.T
	routes  []string
	options []*server.Options
	servers []*server.Server
}

func startCluster(t *testing.T, n int) *cluster {
	t.Helper()
	c := &cluster{t: t, servers: make([]*server.Server, n)}
	var held []net.Listener // all at the same time, so that no port comes twice
	for i := range n {
		ports := [2]int{}
		for j := range ports { // one for clients, one for the other servers
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			ports[j] = l.Addr().(*net.TCPAddr).Port
			held = append(held, l)
		}
		c.routes = append(c.routes, fmt.Sprintf("nats://127.0.0.1:%d", ports[1]))
		c.options = append(c.options, &server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: ports[0], NoSigs: true, NoLog: true,
			JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: 1 << 40,
			Cluster: server.ClusterOpts{Name: "journal", Host: "127.0.0.1", Port: ports[1]},
		})
	}
	for _, l := range held {
		_ = l.Close()
	}
	return c.begin()
}

func (c *cluster) begin() *cluster {
	c.t.Helper()
	for i := range c.servers {
		c.start(i)
	}
	c.t.Cleanup(func() {
		for i := range c.servers {
			c.stop(i)
		}
	})
	for end := time.Now().Add(patience); !c.whole(); {
		if time.Now().After(end) {
			c.t.Fatal("the cluster does not form")
		}
		<-time.After(20 * time.Millisecond)
	}
	return c
}

func (c *cluster) start(i int) {
	c.t.Helper()
	opts := c.options[i].Clone()
	for _, r := range c.routes {
		u, err := url.Parse(r)
		if err != nil {
			c.t.Fatal(err)
		}
		opts.Routes = append(opts.Routes, u)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		c.t.Fatal(err)
	}
	s.Start()
	c.servers[i] = s
}

func (c *cluster) stop(i int) {
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
}

// whole reports whether every server is up to date.
func (c *cluster) whole() bool {
	leader := slices.ContainsFunc(c.servers, func(s *server.Server) bool { return s.JetStreamIsLeader() })
	return leader && !slices.ContainsFunc(c.servers, func(s *server.Server) bool {
		return !s.JetStreamIsCurrent() || len(s.JetStreamClusterPeers()) < len(c.servers) && s.JetStreamIsLeader()
	})
}

func (c *cluster) urls() string {
	var all []string
	for _, o := range c.options {
		all = append(all, fmt.Sprintf("nats://127.0.0.1:%d", o.Port))
	}
	return strings.Join(all, ",")
}
