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
  /** Envelopes of a message that may be told of in halves. */
  halvedMin: 64,
  /** Records that a reader takes in one message, each item of a run counting as one. */
  recordsMax: 64 * 1024,
  /** Items of bytes in a row that leave as one record, and bytes of each at the most: what is longer costs more to copy once more than it saves. */
  runItemsMin: 4,
  runItemBytesMax: 512,
  /** Payload bytes after which a batch ends. */
  batchBytesMax: 64 * 1024,
  /** Characters of an error's message that travel where the whole error is too large to. */
  errorMessageMax: 4_096,
  /** Nesting of a payload: msgpack decoders of other languages stop not far beyond. */
  depthMax: 256,
  /** Requests that one link may have in its server's mailboxes: so many that some methods with full queues do not keep the link from others. */
  linkCredit: 4_096,
  /** Beyond this a payload goes in parts, of so many bytes each: a part takes a fast network a tenth of a ms, and a MiB no more than one. */
  partedBytesMin: 1024 * 1024 + 64 * 1024,
  partBytes: 128 * 1024,
  /** Bytes of parts that are on their way and not read, on one wire: what keeps the network busy, and what is small waits for half a ms. */
  partsWindow: 512 * 1024,
  /** Payloads that go in parts at the same time, by turns, on one wire. */
  partedMax: 4,
  /** What one side of a stream may be ahead of the other: items, of which each whole `itemUnitBytes` counts as one more; by default, and at the most. */
  streamCredit: 256,
  streamCreditMax: 1024 * 1024,
  itemUnitBytes: 8 * 1024,
  /** Items that one stream takes from its source ahead of the wire, and bytes of them. */
  aheadMax: 1_024,
  aheadBytesMax: 1024 * 1024,
  /** Items of one stream in a row, before those of others on the same wire have their turn. */
  itemsInARowMax: 64,
  /** Streams of one method at work at once on one server: each may stay for long, and waits most of the time. */
  streams: 1_024,
  /** The shortest silence that a request may ask to be told of, in ms: four proofs within it, and some time on the way. */
  silenceMinMs: 20,
  /** Requests that wait for one link; one more is `overloaded`. */
  outboxMax: 131_072,
  /** Payload bytes that wait for one link. */
  outboxBytesMax: 256 * 1024 * 1024,
  /** Answers that wait for one link; while more do, its requests get no new credit. */
  answersMax: 16_384,
  /** Methods that one link may name; one more takes the oldest one's place. */
  methodsMax: 4_096,
  /** Answers that wait for one link, beyond which it is cut off: its peer has stopped reading. */
  unreadMax: 147_456,
  /** Requests of one method at work at once on one server: enough for handlers that wait, and few enough to bound what they hold. */
  concurrency: 64,
  /** Requests that wait for one method of one server: sixteen rounds of what is at work; one more is `overloaded`, and better served elsewhere. */
  queue: 1_024,
  /** The same for each of the methods that every server has: they answer at once, so that few are ever at work. */
  builtIn: { concurrency: 8, queue: 64 },
  /** How long the credit of a refused request stays with the server, in ms, unless there is room before: slows who floods, and stalls no one for long. */
  creditHoldMs: 100,
  /** So much of it goes back at once, and how long it is until the next portion, in ms: what then comes takes a fraction of a ms to refuse. */
  creditPortion: 64,
  creditPortionMs: 10,
  /** Refused requests whose credit one method may hold; that of one more goes back at once. */
  creditHeldMax: 16_384,
  /** How far back a method's pace is measured, in ms, by which it tells whom it refuses when to come back. */
  paceMs: 1_000,
  /** Requests that one method starts in a row before it lets other work of the process run. */
  startsPerTurnMax: 1_024,
  /** Within one turn, time is read anew for each request that has less than this left, in ms: whom handlers block longer is as good as stopped. */
  shortMs: 10_000,
  /** Requests that wait for a topic to have a server. */
  waitingMax: 65_536,
  /** Failures in a row after which a server gets no new work for a time: one may be the request's own fault, and five seldom are. */
  failuresMax: 5,
  /** How long that lasts: the first time, and at the most as it goes on failing. */
  ejection: { minMs: 1_000, maxMs: 30_000 },
  /** Open links of a node: four descriptors each make 1,024, a quarter of what Linux lets a process have at the least. */
  linksMax: 256,
  /** A request's whole time, in ms, where neither call, client nor method says another. */
  timeoutMs: 60_000,
  /** What a longer timeout is cut to, in ms: 1,115 years, which every codec's whole numbers can still say. */
  timeoutMsMax: 2 ** 45,
  /** How often a request that a server did not start is given to another one by itself. */
  movesMax: 2,
  /** How long a server that is leaving is passed over while there are others, in ms; the directory knows by then. */
  avoidMs: 1_000,
  /** Waits between the repeats of a request, and the most repeats that may be asked for. */
  retry: { minMs: 10, maxMs: 1_000 },
  retriesMax: 1_000,
  /** Requests that may come again, which a node remembers until their deadline, and bytes of the replies to them. */
  rememberedMax: 65_536,
  rememberedBytesMax: 16 * 1024 * 1024,
  /** Lost wires of which a node remembers what casts came by them, and refused casts that it remembers of each. */
  resumableMax: 4_096,
  refusedCastsMax: 1_024,
  /** How long a node may take to finish what it has accepted, in ms: what orchestrators give a process before they kill it. */
  drainMs: 30_000,
  /** A signal that comes again within so long, in ms, is the same one: whoever hands signals on does so at once. */
  signalEchoMs: 500,
  /** How long a node that has drained waits for its callers to hang up, in ms: longer than a busy one takes to hear of it. */
  goodbyeMs: 1_000,
  /** How long a request waits for a topic to have a server, in ms. */
  noServerMs: 2_000,
  /** How often a link that is otherwise quiet proves that it lives, in ms. */
  heartbeatMs: 1_000,
  /** Silent heartbeats after which a peer is suspect and gets no new work; for as long, what may be repeated outlives its wire. */
  suspectBeats: 3,
  /** Silent heartbeats after which a peer is lost. */
  lostBeats: 10,
  /** How long a dialled wire may take to open and its peer to welcome, in ms. */
  handshakeMs: 5_000,
  /** How long a registration lives without being renewed, in ms; it is renewed three times within. */
  leaseMs: 10_000,
  /** Waits between attempts to reach a peer that is listed but does not answer. */
  redial: { minMs: 50, maxMs: 5_000 },
  /** Waits between restarts of an actor; the same to begin with between attempts to reach the directory, then a third of a lease at the most. */
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
  /** How long the command line waits for the directory to tell of its servers, in ms: a slow file system's time. */
  listMs: 5_000,
  /** How long the command line waits for a node that drains to leave the directory, in ms: twice what a drain may take. */
  leaveMs: 60_000,
  /** Replicas of one service that `skein up` starts: far more than one host has cores. */
  replicasMax: 1_000,
  /** A program of `skein up` that ran for so long, in ms, has started well: failures before it no longer count. */
  steadyMs: 10_000,
  /** How long `skein up` waits for a program to end before it kills it, in ms: a drain's 30 s and some to leave. */
  stopMs: 35_000,
  /** How long `skein up` waits for what a program that has ended had still to say, and between looks at what it left behind, in ms. */
  flushMs: 1_000,
  leftoverMs: 50,
  /** Characters of a line without an end after which `skein up` prints what there is. */
  lineMax: 65_536,
  /** Changes of files within this time, in ms, restart a service once: what an editor or a compiler writes in one go. */
  changesMs: 200,
  /** How long a rolling restart waits for a replica to be listed before it goes on, in ms: a slow program's start. */
  listedMs: 30_000,
  /** Context entries on one request, and bytes of them all. */
  contextMax: 64,
  contextBytesMax: 8 * 1024,
} as const;
