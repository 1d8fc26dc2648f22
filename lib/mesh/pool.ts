import { interval, map, type Observable, startWith, Subject, tap } from 'rxjs';
import type { Actor } from '../actors/actor.js';
import { limits } from '../core/limits.js';
import type { Registration } from '../ports/matchmaker.js';
import type { Peer } from '../ports/transport.js';
import { Link, type LinkKeeper } from './link.js';
import type { LinkState } from './link-peer.js';
import type { MeshPorts } from './mesh-ports.js';
import { keyOf, Way } from './way.js';

/** How often links are looked at for being cold, in ms. */
const sweepMs = 5_000;

/** A link that is in use, and how it is used. */
interface Holding {
  readonly way: Way;
  readonly link: Link;
  readonly actor: Actor;
  /** When it was last seen to have sent something, how much it had sent by then, and the mean time between uses, in ms. */
  usedAt: number;
  sentTotal: number;
  gapMs: number;
}

/** The links that a node holds: one a peer that it uses, opened on demand, at most `linksMax` at once; cold ones lose their wire. */
export class Pool implements LinkKeeper {
  readonly #ports: MeshPorts;
  readonly #actor: Actor;
  readonly #ways = new Map<string, Way>();
  readonly #byLink = new Map<Link, Holding>();
  /** Links with a wire, the one that has had it longest first, and links that wait for one. */
  readonly #open = new Set<Link>();
  readonly #waiting = new Set<Link>();
  readonly #changed$ = new Subject<void>();
  readonly #live$ = new Subject<void>();
  #isBalancing = false;
  #links = 0;

  constructor(parent: Actor, ports: MeshPorts) {
    this.#ports = ports;
    this.#actor = parent.spawn('pool', () =>
      interval(sweepMs, ports.clock).pipe(
        tap(() => {
          this.#sweep();
        }),
      ),
    );
  }

  /** The peers whose servers are used here, or were until lately; now and after changes. */
  get peers$(): Observable<readonly Peer[]> {
    return this.#changed$.pipe(
      startWith(undefined),
      map(() => [...this.#ways.values()].map(describe)),
    );
  }

  /** Emits each time that there is a way to one of the peers again. */
  get live$(): Observable<void> {
    return this.#live$;
  }

  /** Whether no link has anything in hand. */
  get isFlushed(): boolean {
    return [...this.#byLink.keys()].every(({ isFlushed }) => isFlushed);
  }

  /** Links that have a wire, or are getting one. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The way to a server's node; whoever asks gives it back by {@link release}. */
  acquire(registration: Registration): Way {
    const key = keyOf(registration);
    const way = this.#ways.get(key) ?? new Way(registration, (unused) => this.#hold(unused));
    this.#ways.set(key, way);
    way.servers.add(registration);
    this.#changed$.next();
    return way;
  }

  /** The server is no longer reached this way. The last one lets the link go: at once if it has no living wire, else when it is quiet. */
  release(way: Way, registration: Registration): void {
    if (!way.servers.delete(registration)) return;
    this.#changed$.next();
    if (way.servers.size > 0) return;
    if (way.made?.state !== 'live' || way.made.isResting) this.#end(way);
  }

  turned(link: Link): void {
    this.#byLink.get(link)?.actor.say(link.state);
    this.#changed$.next();
    if (link.state === 'live') this.#live$.next();
  }

  wants(link: Link): void {
    this.#waiting.add(link);
    this.#balance();
  }

  resting(link: Link): void {
    const way = this.#byLink.get(link)?.way;
    if (way?.servers.size === 0) this.#end(way);
    else if (this.#waiting.size > 0) this.#balance();
    else if (link.isYielding) link.resume();
  }

  /** Ends all links, and what they hold with `closed`. */
  close(): void {
    for (const link of this.#byLink.keys()) link.close();
    this.#changed$.complete();
  }

  #hold(way: Way): Link {
    this.#links += 1;
    const { key, address, incarnation } = way;
    const link = new Link({ address, incarnation, number: this.#links }, this, this.#ports);
    const actor = this.#actor.spawn(
      key,
      (self) => {
        self.say(link.state);
        return link.run();
      },
      { mailbox: link.mailbox, buffers: () => link.backlogs },
    );
    this.#byLink.set(link, { way, link, actor, usedAt: this.#ports.clock.now(), sentTotal: 0, gapMs: 0 });
    return link;
  }

  /** Gives wires to links that wait, as far as there is room or others rest, and has others make room for those that still wait. */
  #balance(): void {
    if (this.#isBalancing) return;
    this.#isBalancing = true;
    for (let [next] = this.#waiting; next && this.#hasRoom(); [next] = this.#waiting) {
      this.#waiting.delete(next);
      this.#open.add(next);
      next.open();
    }
    this.#isBalancing = false;
    if (this.#askToYield()) this.#balance();
  }

  /** Asks as many links as wait, those that have had their wires longest first; whether one can make room at once. */
  #askToYield(): boolean {
    if (this.#waiting.size === 0) return false;
    const links = [...this.#open];
    const missing = this.#waiting.size - links.filter(({ isYielding }) => isYielding).length;
    const asked = links.filter(({ isYielding }) => !isYielding).slice(0, Math.max(0, missing));
    for (const link of asked) link.isYielding = true;
    return asked.some(({ isResting }) => isResting);
  }

  /** Whether one more may have a wire; a link that rests gives up its own for it. */
  #hasRoom(): boolean {
    if (this.#open.size < this.#ports.identity.linksMax) return true;
    for (const link of this.#open) {
      if (!link.isResting) continue;
      this.#shut(link);
      return true;
    }
    return false;
  }

  /** Takes its wire; one whose servers have left goes for good. */
  #shut(link: Link): void {
    const way = this.#byLink.get(link)?.way;
    if (way?.servers.size === 0) {
      this.#end(way);
      return;
    }
    this.#open.delete(link);
    link.shut();
    if (link.mailbox.size > 0 && link.state === 'idle') this.#waiting.add(link);
  }

  #end(way: Way): void {
    this.#ways.delete(way.key);
    const holding = way.made && this.#byLink.get(way.made);
    if (holding) this.#letGo(holding);
    this.#changed$.next();
    this.#balance();
  }

  #letGo({ link, actor }: Holding): void {
    this.#byLink.delete(link);
    this.#open.delete(link);
    this.#waiting.delete(link);
    link.abandon('its server has left the directory');
    actor.stop();
  }

  #sweep(): void {
    const now = this.#ports.clock.now();
    for (const link of this.#open) {
      const holding = this.#byLink.get(link);
      if (!holding) continue;
      const idleMs = now - holding.usedAt;
      if (link.sentTotal > holding.sentTotal) {
        holding.gapMs = (holding.gapMs + idleMs) / 2;
        holding.sentTotal = link.sentTotal;
        holding.usedAt = now;
      } else if (link.isResting && idleMs > coldAfterMs(holding.gapMs)) this.#shut(link);
    }
  }
}

/** A link expires after eight times its usual gap: what is used every minute stays, what was used once goes soon. */
const coldAfterMs = (gapMs: number): number => Math.min(limits.coldMaxMs, Math.max(limits.coldMinMs, 8 * gapMs));

const peerStates: { readonly [S in LinkState]: Pick<Peer, 'state' | 'why'> } = {
  idle: { state: 'connecting', why: 'nothing to say to it at present' },
  connecting: { state: 'connecting', why: 'it is being dialled' },
  live: { state: 'live', why: 'it is heard' },
  suspect: { state: 'suspect', why: 'it is silent' },
  down: { state: 'lost', why: 'its wire is gone, or could not be opened' },
  left: { state: 'left', why: 'it said goodbye' },
};

const describe = ({ incarnation, address, state, servers }: Way): Peer => ({
  id: incarnation,
  server: [...servers].map(({ server }) => server).join(','),
  address,
  labels: [...servers][0]?.labels ?? {},
  ...peerStates[state],
});
