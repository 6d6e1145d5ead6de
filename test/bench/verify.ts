import { decodeAddress } from '@polkadot/util-crypto/cjs/address/index';
import { sr25519Verify } from '@polkadot/util-crypto/cjs/sr25519/index';
import { verifySr25519 } from '#src/chain/hotkey.ts';
import { checkReport } from '#src/consensus/report.ts';
import { pae } from '#src/consensus/signed.ts';
import { compare, perSecond } from './measure.ts';
import { expectation, signedReport } from './reports.ts';
import { type Benchmark, comparedRow } from './row.ts';

/** Verifying reports and bare signatures, against the JavaScript verifier of util-crypto. */
export const verify: Benchmark = {
  name: 'verify',
  summary: 'reports verified, and bare signatures, against util-crypto',
  measure: async (quick) => {
    const times = quick ? 20 : 500;
    const rounds = quick ? { warmUps: 0, rounds: 2 } : { warmUps: 4, rounds: 21 };
    const { bytes, document } = signedReport();
    const { hotkey, signature, type, body } = document;
    const message = pae(type, body);
    const publicKey = decodeAddress(hotkey);
    const rate = (count: number, check: () => boolean) => () =>
      perSecond(count, () => {
        for (let time = 0; time < count; time++) {
          if (!check()) throw new Error('a good signature was refused');
        }
      });
    // Its one thing costs so much that a tenth of the times is enough.
    const reference = rate(times / 10, () => sr25519Verify(message, signatureBytes, publicKey));
    const signatureBytes = Buffer.from(signature, 'hex');
    const whole = rate(
      times,
      () => checkReport(bytes, expectation, verifySr25519).kind === 'accepted',
    );
    const bare = rate(times, () => verifySr25519(message, signature, hotkey));
    const against = 'sr25519Verify of util-crypto';
    return [
      comparedRow(
        { name: 'check-report', what: 'checkReport, 256 miners', unit: 'reports/s', against },
        await compare({ subject: whole, reference }, rounds),
      ),
      comparedRow(
        { name: 'verify', what: 'sr25519 over the same bytes', unit: 'signatures/s', against },
        await compare({ subject: bare, reference }, rounds),
      ),
    ];
  },
};
