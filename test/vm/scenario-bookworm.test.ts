import { scenario } from './scenario.ts';

scenario('bookworm', [
  '--ip-families',
  'ipv4,ipv6',
  '-p',
  'kubernetes',
  '-p',
  'istio:mode=ambient',
  '-p',
  'calico:encapsulation=vxlan',
]);
