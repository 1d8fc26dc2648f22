import { defer, of } from 'rxjs';
import { Kind } from '../../core/envelope.js';
import { limits } from '../../core/limits.js';
import { isThenable } from '../../core/thenable.js';
import { step } from '../../operators/consume.js';
import { fromDemand, type Stream } from '../../operators/stream.js';
import type { Incoming } from '../../ports/transport.js';
import { type Course, type Coursed, unaryCourse } from '../course.js';
import { firstValue, type Outcome } from '../first-value.js';
import type { RpcPorts } from '../rpc-ports.js';
import { validate } from '../schema.js';
import type { Work } from '../work.js';
import { Flows } from './flows.js';
import { Inflow } from './inflow.js';
import { Outflow } from './outflow.js';

/** The way of a verb's requests. */
export const courseOf = (method: Coursed, ports: RpcPorts): Course => {
  const unary = unaryCourse(method);
  const input = (request: Incoming, work: Work): unknown => {
    begin(request);
    return method.verb === 'stream' ? unary.input(request, work) : takeItems(method, request, work, ports);
  };
  const kinds = [Kind.open];
  switch (method.verb) {
    case 'call':
    case 'cast':
      return unary;
    case 'sink':
      return { ...unary, kinds, input, follow: awaitReply };
    case 'stream':
    case 'channel': {
      const follow: Course['follow'] = (...args) => sendItems(ports, ...args);
      return { kinds, hasValue: false, input, isOutcome: () => false, follow };
    }
  }
};

/** It has been started in the time for its opening; from here on it has that for the whole. */
const begin = (request: Incoming): void => {
  const { wholeMs = 0 } = request.terms ?? {};
  request.deadline += (wholeMs > 0 ? wholeMs : limits.timeoutMsMax) - request.ttlMs;
  const flows = new Flows(request.id);
  flows.attach(request.way);
  request.stream = flows;
};

const flowsOf = ({ stream }: Incoming): Flows => stream as Flows;

/** The handler is called with the items that come, once what the stream was opened with is valid. */
const takeItems = (method: Coursed, request: Incoming, work: Work, ports: RpcPorts): unknown => {
  const opened = validate(method.open, request.payload);
  const start = (open: unknown): Stream<unknown> => {
    work.open = open;
    const items = itemsOf(request, work, ports);
    const { input } = method;
    if (!input) return items;
    return items.pipe(
      step(
        (item: unknown) =>
          defer(() => {
            const valid = validate(input, item);
            return valid instanceof Promise ? valid : of(valid);
          }),
        // All that fails here is given up.
        () => false,
      ),
    );
  };
  return opened instanceof Promise ? opened.then(start) : start(opened);
};

const itemsOf = (request: Incoming, work: Work, { ambient, logger }: RpcPorts): Stream<unknown> => {
  const flows = flowsOf(request);
  const inflow = new Inflow(limits.streamCredit, false, {
    owe: () => {
      // Whoever takes its items is at work.
      work.working();
      flows.wake();
    },
    stray: (error) => {
      logger.error('who takes the items of a stream failed on its way out', { error });
    },
    leave: () => {
      if (!request.isSettled) flows.say(Kind.cancel);
    },
    isWithin: () => ambient.get() === work,
    within: (tell) => {
      ambient.run(work, tell);
    },
  });
  flows.inflow = inflow;
  return fromDemand(inflow.items);
};

const awaitReply: Course['follow'] = (result, outcome, _request, work) => {
  if (!work.isIntercepted) work.working();
  return firstValue(result, outcome);
};

/** Sends the items of what the handler returned, or promised. */
const sendItems = (
  { codec, ambient, logger }: RpcPorts,
  result: unknown,
  outcome: Outcome,
  request: Incoming,
  work: Work,
): (() => void) => {
  const flows = flowsOf(request);
  let isStopped = false;
  const send = (source: unknown): void => {
    if (isStopped) return;
    const outflow = new Outflow(request.id, source, {
      codec,
      wake: () => {
        flows.wake();
      },
      within: (ask) => {
        ambient.run(work, ask);
      },
      stray: (error) => {
        logger.warn('the source of a stream failed as it was let go of', { error });
      },
      over: outcome,
    });
    flows.outflow = outflow;
    outflow.begin();
    if (!work.isIntercepted && !outflow.hasFailed) work.working();
    outflow.demand(request.terms?.credit ?? 0, 0);
  };
  if (isThenable(result)) Promise.resolve(result).then(send).catch(outcome.error);
  else send(result);
  return () => {
    isStopped = true;
    flows.outflow?.close();
  };
};
