import type { RuntimeWanted } from '#src/cluster/cluster.ts';
import { deploymentOf } from '#src/evaluation/job-name.ts';
import { encode } from '#src/events/ej1.ts';
import { sha256 } from '#src/events/hash.ts';

const archive = Buffer.from('an archive');

/** A submission that is wanted: the first attempt of one member of run-7, or what is given instead. */
export function wantedRuntime(other: Partial<RuntimeWanted> = {}): RuntimeWanted {
  const wanted = {
    family: 'general_chat',
    run: 'run-7',
    submission: 'sub-1',
    miner: '5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY',
    attempt: 1,
    archive: sha256(archive),
    bytes: () => Promise.resolve(archive),
    manifest: encode({}),
    ...other,
  };
  return {
    deployment: deploymentOf({
      validator: '5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty',
      ...wanted,
    }),
    ...wanted,
  };
}
