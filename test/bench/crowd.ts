import { openCrowd } from '../support/crowd.ts';
import { type CrowdFigures, playCrowdRun } from '../support/crowd-play.ts';
import { crowdSubnet, REAL, SEATED, untilEpoch } from '../support/crowd-subnet.ts';
import { summarise } from './measure.ts';
import { type Benchmark, plainRow } from './row.ts';

/** A whole run of a full subnet: a real validator, its nats-server, a development chain, and a crowd of voters. */
export const crowd: Benchmark = {
  name: 'crowd',
  summary: 'a run of 128 voters and 256 miners on the development chain, phase by phase',
  measure: async (quick) => {
    await using others = await openCrowd(SEATED.filter((name) => name !== REAL));
    await using subnet = await crowdSubnet(others.axons);
    const figures: CrowdFigures[] = [];
    for (let round = 1; round <= (quick ? 1 : ROUNDS); round++) {
      const played = await playCrowdRun(subnet, others, round);
      figures.push(played.figures);
      // The rate limit of weights, and the room for commitments, are those of mainnet.
      await untilEpoch(subnet);
      await subnet.settled();
    }
    return PHASES.map(([phase, what]) =>
      plainRow(
        { name: phase, what: `a full subnet's run: ${what}`, unit: 'ms' },
        summarise(figures.map(({ [phase]: figure }) => figure)),
      ),
    );
  },
};

const ROUNDS = 9;

const PHASES = [
  ['snapshot', 'voters recorded after the snapshot block'],
  ['commitments', '128 commitments recorded after the commit block'],
  ['reports', '127 reports recorded after the commit block'],
  ['decision', 'decided after the decide block'],
  ['certificate', '128 signatures recorded as a certificate'],
] as const satisfies readonly (readonly [keyof CrowdFigures, string])[];
