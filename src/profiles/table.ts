import { calico } from './calico.ts';
import { istio } from './istio.ts';
import { kubernetes } from './kubernetes.ts';
import type { Profile } from './profile.ts';

/** The profiles, in the order in which people read them. */
export const profiles: readonly Profile[] = [kubernetes, istio, calico];
