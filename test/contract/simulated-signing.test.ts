import { simulatedHistory } from '../support/simulated-history.ts';
import { simulatedLock } from '../support/simulated-lock.ts';
import { simulatedWitnessState } from '../support/simulated-witness-state.ts';
import { signingContract } from './signing-contract.ts';

signingContract('memory', async () => ({
  lock: simulatedLock(),
  history: simulatedHistory(),
  witnessState: simulatedWitnessState(),
  [Symbol.asyncDispose]: async () => undefined,
}));
