import { entriesOf, runtimeScale } from './pallet-enum.ts';
import { generic, mapped, type Scale, struct, tuple, vec } from './scale.ts';
import { u16, u32 } from './scale-basic.ts';
import { unit, variant } from './scale-variant.ts';
import type { DevEvent } from './state.ts';
import { account, count64, h256 } from './types.ts';
import { dispatchError, dispatchInfo, FREE } from './types-dispatch.ts';

type EventName = DevEvent['event'];
type EventOf<N extends EventName, E = DevEvent> = E extends { readonly event: infer M }
  ? N extends M
    ? Omit<E, 'event' | 'extrinsic'>
    : never
  : never;

const aboutWeights = mapped(tuple(account, u16, h256), {
  to: ([hotkey, index, commitHash]) => ({ hotkey, index, commitHash }),
  from: ({ hotkey, index, commitHash }) => [hotkey, index, commitHash] as const,
});

/** Every event that the chain gives: Finney's index within the pallet, and what it carries. */
const EVENTS: { readonly [N in EventName]: readonly [index: number, content: Scale<EventOf<N>>] } =
  {
    'System.ExtrinsicSuccess': [
      0,
      mapped(struct({ dispatchInfo }), { to: () => ({}), from: () => ({ dispatchInfo: FREE }) }),
    ],
    'System.ExtrinsicFailed': [
      1,
      mapped(struct({ dispatchError, dispatchInfo }), {
        to: ({ dispatchError: error }) => ({ error }),
        from: ({ error }) => ({ dispatchError: error, dispatchInfo: FREE }),
      }),
    ],
    'SubtensorModule.WeightsSet': [
      5,
      mapped(tuple(u16, u16), {
        to: ([index, uid]) => ({ index, uid }),
        from: ({ index, uid }) => [index, uid] as const,
      }),
    ],
    'SubtensorModule.AxonServed': [
      28,
      mapped(tuple(u16, account), {
        to: ([netuid, hotkey]) => ({ netuid, hotkey }),
        from: ({ netuid, hotkey }) => [netuid, hotkey] as const,
      }),
    ],
    'SubtensorModule.WeightsCommitted': [79, aboutWeights],
    'SubtensorModule.WeightsRevealed': [80, aboutWeights],
    'SubtensorModule.TimelockedWeightsCommitted': [
      101,
      mapped(tuple(account, u16, h256, count64), {
        to: ([hotkey, index, commitHash, round]) => ({ hotkey, index, commitHash, round }),
        from: ({ hotkey, index, commitHash, round }) => [hotkey, index, commitHash, round] as const,
      }),
    ],
    'SubtensorModule.TimelockedWeightsRevealed': [
      102,
      mapped(tuple(u16, account), {
        to: ([index, hotkey]) => ({ index, hotkey }),
        from: ({ index, hotkey }) => [index, hotkey] as const,
      }),
    ],
    'Commitments.Commitment': [
      0,
      mapped(struct({ netuid: u16, who: account }), {
        to: ({ netuid, who }) => ({ netuid, hotkey: who }),
        from: ({ netuid, hotkey }) => ({ netuid, who: hotkey }),
      }),
    ],
  };

export const eventEntries = entriesOf(EVENTS);

// What happened, without the cause that the record's phase tells.
type Happened = Readonly<{ event: EventName }>;
const runtimeEvent: Scale<Happened> = runtimeScale('Event', 'event', eventEntries);

const phase = variant('frame_system::Phase', {
  ApplyExtrinsic: [0, u32],
  Finalization: [1, unit],
  Initialization: [2, unit],
});

const eventRecord = generic(
  struct({ phase, event: runtimeEvent, topics: vec(h256) }, 'frame_system::EventRecord'),
  [
    { name: 'E', type: runtimeEvent.type },
    { name: 'T', type: h256.type },
  ],
);

/** The events of a block as `System.Events` has them. */
export const eventRecords: Scale<readonly DevEvent[]> = vec(
  mapped(eventRecord, {
    to: ({ phase: [name, extrinsic], event }) =>
      // safe: a record's event is a DevEvent but for the extrinsic
      ({ ...event, extrinsic: name === 'ApplyExtrinsic' ? extrinsic : null }) as DevEvent,
    from: (event) => ({
      phase:
        event.extrinsic === null
          ? (['Initialization', []] as const)
          : (['ApplyExtrinsic', event.extrinsic] as const),
      event,
      topics: [],
    }),
  }),
);
