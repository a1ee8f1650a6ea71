import { cryptoRandom, type RandomBytes } from './ids.ts';

const ADJECTIVES =
  'able airy amber ample apt azure balmy bold brave breezy bright brisk calm candid careful cheery chic civil clean clear clever cosy crisp curious dainty daring deft dewy eager early earnest easy even fabled fair fancy fleet fond frank free fresh gentle gifted glad golden good grand handy happy hardy hazel honest humble jaunty jolly jovial keen kind large legal light likely lively loyal lucid lucky lunar mellow merry mild mighty misty modest neat nimble noble novel open patient peppy plucky polite proud quick quiet rapid ready regal rosy rural serene shiny silent silver simple sleek smart smooth snowy sober solar sound spry steady still stoic sunny sure swift tender tidy upbeat vivid warm whole wise witty zesty'.split(
    ' ',
  );
const NOUNS =
  'acorn alder anchor aspen badger banjo basin beacon bear beaver birch bison bloom breeze bridge brook canoe canyon cedar cello clover cloud comet coral cove crane creek cricket delta dune eagle elk elm ember falcon fern field finch fjord flame forest fox frost garden glade grove gull harbor hare hawk hazel heron hill ibis inlet iris island ivy jay kestrel kite lagoon lake lantern lark leaf lily linden lynx maple marsh meadow mill moon moss newt oak ocean orchid osprey otter owl peak pearl pebble pine plum pond poppy quail quartz raven reed reef ridge river robin rowan sail seal shore sparrow spruce star stone stream swan thrush tide trout tulip valley walnut wave willow wren'.split(
    ' ',
  );

/** A name for a run that was given none: `calm-otter-417`. At most 20 characters. */
export const randomRunName = (random: RandomBytes = cryptoRandom): string => {
  const bytes = new Uint8Array(new ArrayBuffer(6));
  random(bytes);
  const pick = (at: number, from: number): number => ((bytes[at]! << 8) | bytes[at + 1]!) % from;
  return `${ADJECTIVES[pick(0, ADJECTIVES.length)]}-${NOUNS[pick(2, NOUNS.length)]}-${pick(4, 1000)}`;
};
