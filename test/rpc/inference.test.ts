import { type } from 'arktype';
import { map } from 'rxjs';
import * as v from 'valibot';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import {
  type Answer,
  type Call,
  call,
  cast,
  type Client,
  contract,
  type DeclaredError,
  defineError,
  type Failure,
  type Handlers,
  type Request,
  requests,
  type settle,
  type Settled,
  typed,
} from '../../lib/index.js';

class Full extends defineError('full', z.object({ left: z.number() })) {}
class Busy extends defineError('busy', v.object({ until: v.number() })) {}
class Odd extends defineError('odd', type({ why: 'string' })) {}
class Shut extends defineError('shut') {}
class Plain extends defineError('plain', typed<number>()) {}

const Park = contract('park', '1.2', {
  enter: call({
    input: z.object({ who: z.string(), age: z.string().transform(Number) }),
    output: z.string(),
    errors: [Full, Busy, Odd, Shut, Plain],
    since: '1.1',
  }),
  look: call<undefined, string>(),
  note: cast({ input: v.string() }),
});

type Declared = Full | Busy | Odd | Shut | Plain;

type Park = typeof Park;
type ParkClient = Client<Park>;

describe('types (checked by tsc)', () => {
  it('of declared errors are those of their schemas, whatever the library', () => {
    expectTypeOf<Full['data']>().toEqualTypeOf<{ left: number }>();
    expectTypeOf<Busy['data']>().toEqualTypeOf<{ until: number }>();
    expectTypeOf<Odd['data']>().toEqualTypeOf<{ why: string }>();
    expectTypeOf<Plain['data']>().toEqualTypeOf<number>();
    expectTypeOf<Full['name']>().toEqualTypeOf<'full'>();
    expectTypeOf<Full['code']>().toEqualTypeOf<'remote-error'>();
    expectTypeOf(new Full({ left: 1 })).toExtend<DeclaredError<'full', { left: number }>>();
    expectTypeOf(new Shut()).toEqualTypeOf<Shut>();
    // @ts-expect-error -- its data is no text
    expectTypeOf(() => new Full({ left: 'none' })).toBeFunction();
    // @ts-expect-error -- it has data
    expectTypeOf(() => new Full()).toBeFunction();
    // @ts-expect-error -- an error must be declared by defineError
    expectTypeOf(() => call({ errors: [RangeError] })).toBeFunction();
  });

  it('of calls carry the errors that are declared', () => {
    expectTypeOf(Park.version).toExtend<string>();
    expectTypeOf<ReturnType<ParkClient['enter']>>().toEqualTypeOf<Call<string, Declared>>();
    expectTypeOf<ReturnType<ParkClient['look']>>().toEqualTypeOf<Call<string>>();
    expectTypeOf<ReturnType<typeof settle<string, Declared>>>().toEqualTypeOf<Call<Settled<string, Declared | Failure>>>();
    expectTypeOf<ParkClient['$canSend']>().parameter(0).toEqualTypeOf<'enter' | 'look' | 'note'>();
  });

  it('of settled calls narrow until nothing is left', () => {
    const tell = (outcome: Settled<string, Full | Shut | Failure<'no-server' | 'deadline-exceeded'>>): string | number => {
      if (outcome.ok) return outcome.value;
      const { error } = outcome;
      if (error instanceof Full) return error.data.left;
      if (error instanceof Shut) return error.name;
      if (error.code === 'no-server') return error.details.topic;
      expectTypeOf(error.code).toEqualTypeOf<'deadline-exceeded'>();
      return error.details.timeoutMs;
    };
    expectTypeOf(tell).returns.toEqualTypeOf<string | number>();
  });

  it('of whole streams are those of the method', () => {
    const handlers: Handlers<Park> = {
      enter: requests((request$) =>
        request$.pipe(
          map((request) => {
            expectTypeOf(request).toEqualTypeOf<Request<{ who: string; age: number }, string>>();
            expectTypeOf(request.reply('x')).toEqualTypeOf<Answer<string>>();
            // @ts-expect-error -- it answers with a text
            return request.input.age > 200 ? request.reply(5) : request.reply('welcome');
          }),
        ),
      ),
      look: () => 'nice',
      note: requests(map((request) => request.reply())),
    };
    expectTypeOf(handlers).toExtend<Handlers<Park>>();
    // @ts-expect-error -- an answer is made by a request
    expectTypeOf((): Handlers<Park>['look'] => requests(map(() => 'nice'))).toBeFunction();
    const others: Handlers<Park> = {
      // @ts-expect-error -- plain handlers answer with what the contract says
      enter: () => 5,
      look: () => 'nice',
      note: () => undefined,
    };
    expectTypeOf(others).toBeObject();
  });
});
