import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildReport } from '#src/consensus/report.ts';
import { encodeDocument, signDocument } from '#src/consensus/signed.ts';
import type { DomainEvent } from '#src/events/catalogue.ts';
import { encodeBytes } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';
import { MAX_APPEND_EVENTS } from '#src/events/log.ts';
import { REPORT_TYPE } from '#src/events/report.ts';
import type { Fetched } from '#src/handlers/ask-peers.ts';
import {
  decideReceived,
  exchangeReports,
  type ReportExchange,
} from '#src/handlers/exchange-reports.ts';
import { type Misdeed, misdeedKey } from '#src/handlers/misdeeds.ts';
import { fakeSigner, fakeVerify, hotkeyOf } from '../consensus/fake-keys.ts';

const place = { family: 'general_chat', run: 'run-7' };
const SELF = hotkeyOf('me');
const EXPECTED = {
  ...place,
  genesis: sha256('genesis'),
  netuid: 36,
  roster: sha256('roster'),
  snapshotBlock: 100,
};

function exchangeOf(names: readonly string[], changes: Partial<ReportExchange> = {}) {
  const hotkeys = [SELF, ...names.map(hotkeyOf)];
  return {
    self: SELF,
    expected: { ...EXPECTED, hotkey: null, voters: new Set(hotkeys) },
    voters: hotkeys.map((hotkey, uid) => ({
      hotkey,
      coldkey: hotkeyOf(`funds${uid}x`),
      uid,
      stake: '1',
      axon: `http://${hotkey}.test`,
    })),
    held: [],
    equivocators: [],
    known: new Set<string>(),
    ...changes,
  } satisfies ReportExchange;
}

/** A report that passes every check; the score tells two of one author apart. */
function reportOf(name: string, score: number, servedBy = name) {
  const hotkey = hotkeyOf(name);
  const scores = { [hotkeyOf('miner')]: score };
  const body = buildReport({ ...EXPECTED, hotkey, scores });
  const document = signDocument(REPORT_TYPE, body, fakeSigner(hotkey));
  const { signature } = document;
  const received = { servedBy: hotkeyOf(servedBy), hotkey, body, signature, digest: sha256(body) };
  return { received, bytes: encodeDocument(document) };
}

/** A round over a made-up network: what it recorded, append by append, and what it asked for. */
async function round(
  exchange: ReportExchange,
  answer: (hotkey: string, url: URL) => Uint8Array | number,
) {
  const appends: (readonly DomainEvent[])[] = [];
  const asked: URL[] = [];
  await exchangeReports(exchange, {
    fetch: (text): Promise<Fetched> => {
      const url = new URL(text);
      asked.push(url);
      // Hosts are case-insensitive, hotkeys are not.
      const [hotkey = ''] = text.slice('http://'.length).split('.test');
      const given = answer(hotkey, url);
      return Promise.resolve(
        typeof given === 'number'
          ? { kind: 'ok', status: given, body: new Uint8Array() }
          : { kind: 'ok', status: 200, body: given },
      );
    },
    verify: fakeVerify,
    record: (events) => {
      appends.push(events);
      return Promise.resolve();
    },
    signal: new AbortController().signal,
  });
  return { events: appends.flat(), appends, asked };
}

const isIndex = (url: URL): boolean => url.searchParams.get('view') === 'index';
const isOwn = (url: URL): boolean => url.pathname.includes('/scores/');

function indexOf(reports: readonly Readonly<{ hotkey: string; digest: string }>[]): Uint8Array {
  return encodeBytes({
    ...place,
    reports: reports.map(({ digest, hotkey }) => ({ digest, hotkey })),
  });
}

test('a report is accepted from its author, with whom it came from', async () => {
  const report = reportOf('a', 5);
  const { events, asked } = await round(exchangeOf(['a']), (_hotkey, url) =>
    isOwn(url) ? report.bytes : 404,
  );
  expect(events).toEqual([
    { type: 'peer-report.accepted.v1', data: { ...place, ...report.received } },
  ]);
  expect(asked.map(({ pathname, search }) => pathname + search)).toEqual([
    '/v1/consensus/scores/run-7?family=general_chat',
    '/v1/consensus/reports/run-7?family=general_chat&view=index',
  ]);
});

test('a report that is held is not asked for again, and a second one is evidence', async () => {
  const [first, second] = [reportOf('a', 5), reportOf('a', 6, 'b')];
  const held = [first.received];
  const relays = indexOf([second.received, first.received]);
  const answer = (_hotkey: string, url: URL): Uint8Array | number => {
    if (isIndex(url)) return relays;
    return url.searchParams.has('digest') ? second.bytes : 404;
  };
  const { events } = await round(exchangeOf(['a', 'b'], { held }), answer);
  expect(events).toEqual([
    {
      type: 'equivocation.recorded.v1',
      data: {
        ...place,
        ...second.received,
        servedBy: hotkeyOf('a'),
        firstDigest: first.received.digest,
      },
    },
  ]);
  const settled = { held: [first.received, second.received], equivocators: [hotkeyOf('a')] };
  const again = await round(exchangeOf(['a', 'b'], settled), answer);
  expect(again.events).toEqual([]);
  expect(again.asked.filter((url) => url.searchParams.has('digest'))).toEqual([]);
});

/** What a round may bring: reports of three authors, two each, and misdeeds, by whoever served them. */
const received = fc
  .tuple(fc.constantFrom('a', 'b', 'c'), fc.constantFrom(1, 2), fc.constantFrom('a', 'b', 'c'))
  .map(([author, score, servedBy]) => reportOf(author, score, servedBy).received);
const misdeeds = fc.record<Misdeed>({
  peer: fc.constantFrom(hotkeyOf('a'), hotkeyOf('b')),
  reason: fc.constantFrom('timeout', 'schema'),
  detail: fc.constant('as told'),
  digest: fc.constantFrom(null, sha256('x')),
});

test('what is recorded of a round does not depend on who answered first', () => {
  const lists = fc.tuple(fc.array(received), fc.array(misdeeds)).chain(([one, other]) =>
    fc.record({
      one: fc.constant(one),
      other: fc.constant(other),
      shuffledOne: fc.shuffledSubarray(one, { minLength: one.length }),
      shuffledOther: fc.shuffledSubarray(other, { minLength: other.length }),
    }),
  );
  fc.assert(
    fc.property(lists, ({ one, other, shuffledOne, shuffledOther }) => {
      const exchange = exchangeOf(['a', 'b', 'c']);
      const events = decideReceived(exchange, one, other);
      expect(decideReceived(exchange, shuffledOne, shuffledOther)).toEqual(events);
      for (const name of ['a', 'b', 'c']) {
        const digests = new Set(
          one.filter(({ hotkey }) => hotkey === hotkeyOf(name)).map(({ digest }) => digest),
        );
        const of = (type: DomainEvent['type']) =>
          events.filter(
            (event) =>
              event.type === type && 'hotkey' in event.data && event.data.hotkey === hotkeyOf(name),
          );
        expect(of('peer-report.accepted.v1')).toHaveLength(Math.min(1, digests.size));
        expect(of('equivocation.recorded.v1')).toHaveLength(Math.max(0, digests.size - 1));
      }
    }),
  );
});

test('a misdeed is recorded once: in a round, and over all rounds', () => {
  const fault: Misdeed = { peer: hotkeyOf('a'), reason: 'schema', detail: 'as told', digest: null };
  const exchange = exchangeOf(['a']);
  expect(decideReceived(exchange, [], [fault, fault])).toEqual([
    { type: 'peer-report.rejected.v1', data: { ...place, ...fault } },
  ]);
  const known = new Set([misdeedKey(fault)]);
  expect(decideReceived({ ...exchange, known }, [], [fault])).toEqual([]);
  const other = { ...fault, digest: sha256('y') };
  expect(decideReceived({ ...exchange, known }, [], [other])).toHaveLength(1);
});

test('a peer that lists what it does not have is asked for one of it in a round', async () => {
  const listed = Array.from({ length: 256 }, (_, index) => ({
    hotkey: hotkeyOf(index % 2 === 0 ? 'a' : 'b'),
    digest: sha256(String(index)),
  }));
  const { asked, events } = await round(exchangeOf(['a', 'b']), (_hotkey, url) =>
    isIndex(url) ? indexOf(listed) : 404,
  );
  // Of each peer: its own report, its index, one report that it does not have.
  expect(asked).toHaveLength(6);
  expect(events).toEqual([]);
});

test('what every peer relays is not fetched from every peer', async () => {
  // Twice as many as are asked at a time: the second half finds what the first was given.
  const names = Array.from({ length: 32 }, (_, index) => `peer${index}x`);
  const reports = names.map((name) => reportOf(name, 5));
  const index = indexOf(reports.map(({ received }) => received));
  const { events, asked } = await round(exchangeOf(names), (hotkey, url) => {
    if (isIndex(url)) return index;
    const wanted = reports.find(({ received }) =>
      isOwn(url) ? received.hotkey === hotkey : received.digest === url.searchParams.get('digest'),
    );
    return wanted?.bytes ?? 404;
  });
  expect(events.map(({ type }) => type)).toEqual(names.map(() => 'peer-report.accepted.v1'));
  const relayed = asked.filter((url) => !isOwn(url) && !isIndex(url));
  // 31 from each of the 32 otherwise.
  expect(relayed.length).toBeLessThan((names.length * names.length) / 4);
});

test('a report that one peer lists and does not give is had from another', async () => {
  const report = reportOf('c', 5);
  const { events } = await round(exchangeOf(['a', 'b', 'c']), (hotkey, url) => {
    if (hotkey === hotkeyOf('c') || isOwn(url)) return 404;
    if (isIndex(url)) return indexOf([report.received]);
    return hotkey === hotkeyOf('b') ? report.bytes : 404;
  });
  expect(events).toEqual([
    {
      type: 'peer-report.accepted.v1',
      data: { ...place, ...report.received, servedBy: hotkeyOf('b') },
    },
  ]);
});

test('a peer that lists a voter often is asked for two reports of it', async () => {
  const many = Array.from({ length: 50 }, (_, index) => reportOf('a', index));
  const { asked, events } = await round(exchangeOf(['a', 'b']), (hotkey, url) => {
    if (hotkey !== hotkeyOf('b')) return 404;
    if (isIndex(url)) return indexOf(many.map(({ received }) => received));
    const wanted = url.searchParams.get('digest');
    return many.find(({ received }) => received.digest === wanted)?.bytes ?? 404;
  });
  expect(asked.filter((url) => url.searchParams.has('digest'))).toHaveLength(2);
  expect(events.map(({ type }) => type)).toEqual([
    'peer-report.accepted.v1',
    'equivocation.recorded.v1',
  ]);
});

test('a crowd of liars is recorded in appends that a log takes', async () => {
  const names = Array.from({ length: 127 }, (_, index) => `p${index + 1}x`);
  const voters = names.map(hotkeyOf);
  let junk = 0;
  const { events, appends } = await round(exchangeOf(names), (_hotkey, url) =>
    isIndex(url)
      ? indexOf(voters.map((hotkey) => ({ hotkey, digest: sha256(`${hotkey} ${junk++}`) })))
      : // A form that passes until the run is compared, different each time.
        encodeDocument({
          alg: 'sr25519',
          body: buildReport({
            ...EXPECTED,
            run: `run-${++junk}`,
            hotkey: hotkeyOf('rogue'),
            scores: {},
          }),
          hotkey: hotkeyOf('rogue'),
          signature: '0'.repeat(128),
          type: REPORT_TYPE,
        }),
  );
  expect(events.length).toBeGreaterThan(MAX_APPEND_EVENTS);
  for (const append of appends) expect(append.length).toBeLessThanOrEqual(MAX_APPEND_EVENTS);
  // And who did so much wrong is not asked again in this run.
  const known = new Set(
    events.flatMap((event) =>
      event.type === 'peer-report.rejected.v1' ? [misdeedKey(event.data)] : [],
    ),
  );
  const again = await round(exchangeOf(names, { known }), () => 404);
  expect(again.asked).toEqual([]);
});
