import { openSigningDatabase } from '#src/runtime/signing-db.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { IDENTITY } from '../support/signing-identity.ts';
import { signingContract } from './signing-contract.ts';

signingContract('the signing database', async () => {
  const directory = await scratchDirectory();
  const { lock, history, witnessState, ...database } = await openSigningDatabase(
    directory.path,
    IDENTITY,
  );
  return {
    lock,
    history,
    witnessState,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
});
