/** Every bound that Skein has, with its default and the reason for it. What is beyond a bound is refused or held back, and counted. */
export const limits = {
  /** Bytes of an exchange's, topic's or server's name: fits every directory's key and every file system's. */
  nameBytesMax: 255,
  /** Bytes of one encoded payload: 64 MiB and something around them; beyond that a file or a stream is the better way. */
  payloadBytesMax: 64 * 1024 * 1024 + 64 * 1024,
  /** From here a payload travels as a frame of its own, uncopied; measured: the crossover of copying and framing. */
  framedBytesMin: 16 * 1024,
  /** Bytes of one message on the wire: a payload and whatever may be batched with it. */
  messageBytesMax: 80 * 1024 * 1024,
  /** Envelopes in one batch; lets both ends of a link work at the same time, where longer ones make them take turns. */
  batchMax: 256,
  /** Payload bytes after which a batch ends. */
  batchBytesMax: 64 * 1024,
  /** Characters of an error's message that travel where the whole error is too large to. */
  errorMessageMax: 4_096,
  /** Nesting of a payload: msgpack decoders of other languages stop not far beyond. */
  depthMax: 256,
  /** Requests that one link may hold at its server's mailbox: what a busy link has under way within a round trip. */
  linkCredit: 1_024,
  /** Requests that wait for one link; one more is `overloaded`. */
  outboxMax: 131_072,
  /** Payload bytes that wait for one link. */
  outboxBytesMax: 256 * 1024 * 1024,
  /** Answers that wait for one link; while more do, its requests get no new credit. */
  answersMax: 16_384,
  /** Methods that one link may name; one more takes the oldest one's place. */
  methodsMax: 4_096,
  /** Requests that wait at one server; one more is `overloaded`. */
  mailboxMax: 131_072,
  /** Requests at work at once on one server; more wait in its mailbox. */
  workingMax: 16_384,
  /** Requests that one server starts in a row before it lets other work of the process run. */
  startsPerTurnMax: 1_024,
  /** Within one turn, time is read anew for each request that has less than this left, in ms: whom handlers block longer is as good as stopped. */
  shortMs: 10_000,
  /** Requests that wait for a topic to have a server. */
  waitingMax: 65_536,
  /** Open links of a node: four descriptors each make 1,024, a quarter of what Linux lets a process have at the least. */
  linksMax: 256,
  /** A request's whole time, in ms, where neither call, client nor method says another. */
  timeoutMs: 60_000,
  /** What a longer timeout is cut to, in ms: 1,115 years, which every codec's whole numbers can still say. */
  timeoutMsMax: 2 ** 45,
  /** How long a request waits for a topic to have a server, in ms. */
  noServerMs: 2_000,
  /** How often a link that is otherwise quiet proves that it lives, in ms. */
  heartbeatMs: 1_000,
  /** Silent heartbeats after which a peer is suspect and gets no new work. */
  suspectBeats: 3,
  /** Silent heartbeats after which a peer is lost. */
  lostBeats: 10,
  /** How long a dialled wire may take to open and its peer to welcome, in ms. */
  handshakeMs: 5_000,
  /** How long a registration lives without being renewed, in ms; it is renewed three times within. */
  leaseMs: 10_000,
  /** Waits between attempts to reach a peer that is listed but does not answer. */
  redial: { minMs: 50, maxMs: 5_000 },
  /** Waits between attempts to reach the directory, and between restarts of an actor. */
  restart: { minMs: 100, maxMs: 30_000 },
  /** Restarts within `restartsWithinMs` after which an actor's failure is escalated, or it stays stopped. */
  restartsMax: 10,
  restartsWithinMs: 60_000,
  /** Messages that wait for one actor: what gathers while it does something else for a moment, and not what a stuck one leaves behind. */
  actorMailboxMax: 1_024,
  /** Senders that wait for room in one actor's mailbox: as many as one server has requests at work, each of which may wait to send. */
  sendersMax: 16_384,
  /** Messages that a node's actors take before other work of the process runs, and that one takes before the next has its turn. */
  messagesPerTurnMax: 1_024,
  messagesInARowMax: 64,
  /** Events that one actor emits without letting anything else run: more is taken for a loop without end. */
  eventsPerTurnMax: 1_048_576,
  /** Actors that one actor may have spawned and not stopped. */
  childrenMax: 65_536,
  /**
   * A link that was idle for eight times its usual gap expires, but never before `coldMinMs` nor after `coldMaxMs`. A topic that was
   * not used for `coldMaxMs` is no longer watched.
   */
  coldMinMs: 30_000,
  coldMaxMs: 600_000,
  /** The deadline wheel's tick: the precision of timeouts, in ms. */
  wheelTickMs: 5,
  /** Characters of a trace's parent: W3C's have 55. */
  traceparentMax: 256,
  /** Context entries on one request, and bytes of them all. */
  contextMax: 64,
  contextBytesMax: 8 * 1024,
} as const;
