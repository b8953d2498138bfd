/** The checks of a derived object that ask for no pixels: the same for objects of one image and of several frames. */
import { checkDerivation } from './check-derivation.js';
import { checkEquipment } from './check-equipment.js';
import { checkGeometry } from './check-geometry.js';
import { checkIdentity } from './check-identity.js';
import { checkKept } from './check-kept.js';
import { checkPrivate } from './check-private.js';
import { checkSyntax } from './check-syntax.js';
import type { Check } from './faults.js';

/** Tells the check's faults, rule by rule. */
export function checkHeader(check: Check): void {
  checkIdentity(check);
  checkKept(check);
  checkDerivation(check);
  checkGeometry(check);
  checkEquipment(check);
  checkPrivate(check);
  checkSyntax(check);
}
