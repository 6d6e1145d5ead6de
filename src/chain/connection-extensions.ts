import type { ApiPromise } from '@polkadot/api/cjs/index';
import { findUnknownExtensions } from '@polkadot/types/cjs/extrinsic/signedExtensions/index';
import type { Metadata } from '@polkadot/types/cjs/index';
import type { SiLookupTypeId } from '@polkadot/types/cjs/interfaces/index';

/** Extensions that polkadot.js does not know by name but that carry bytes which it can write. */
export const DECLARED_EXTENSIONS = {
  // The name that a third party reports for a wrapped ChargeTransactionPayment.
  ChargeTransactionPaymentWrapper: { extrinsic: { tip: 'Compact<Balance>' }, payload: {} },
};

/**
 * Why no extrinsic can be signed for this runtime, or null. An extension that polkadot.js does not know is
 * left out of what it signs, which is right only while both what it adds to the extrinsic and what it adds
 * to the signed payload have no bytes.
 */
export function signingObstacle(api: ApiPromise): string | null {
  const extensions = extensionsOf(api.runtimeMetadata);
  const names = extensions.map(({ name }) => name);
  const unknown = new Set(findUnknownExtensions(names, DECLARED_EXTENSIONS));
  const { lookup } = api.registry;
  const obstacles = extensions.filter(
    ({ name, types }) => unknown.has(name) && !types.every((type) => isEmpty(lookup, type)),
  );
  if (obstacles.length === 0) return null;
  return `the runtime has signed extensions with content that cannot be written: ${obstacles.map(({ name }) => name).join(', ')}`;
}

type Extension = Readonly<{ name: string; types: readonly SiLookupTypeId[] }>;

/**
 * Each extension with the types of its part of the extrinsic and of the signed payload, read from the
 * metadata as the node gave it: the library's conversion of version 15 to 16 loses the second one.
 */
function extensionsOf(metadata: Metadata): readonly Extension[] {
  if (metadata.version >= 16) {
    const { transactionExtensions } = metadata.asV16.extrinsic;
    return transactionExtensions.map(({ identifier, type, implicit }) => ({
      name: identifier.toString(),
      types: [type, implicit],
    }));
  }
  const { signedExtensions } = (metadata.version === 15 ? metadata.asV15 : metadata.asV14)
    .extrinsic;
  return signedExtensions.map(({ identifier, type, additionalSigned }) => ({
    name: identifier.toString(),
    types: [type, additionalSigned],
  }));
}

/** True for a type whose every value has no bytes. Metadata is a node's word: a type may hold itself. */
function isEmpty(
  lookup: ApiPromise['registry']['lookup'],
  id: SiLookupTypeId,
  outer: readonly number[] = [],
): boolean {
  const index = id.toNumber();
  if (outer.includes(index)) return false;
  const isInnerEmpty = (inner: SiLookupTypeId): boolean =>
    isEmpty(lookup, inner, [...outer, index]);
  const { def } = lookup.getSiType(id);
  if (def.isComposite) return def.asComposite.fields.every(({ type }) => isInnerEmpty(type));
  if (def.isTuple) return def.asTuple.every(isInnerEmpty);
  if (def.isArray) return def.asArray.len.isZero() || isInnerEmpty(def.asArray.type);
  return false;
}
