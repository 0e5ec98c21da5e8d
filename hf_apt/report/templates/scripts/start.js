// All that is drawn by scripts, once they are all there.
let openToken = () => {};
if (lookup) explore();
const walk = json("step-data");
if (walk) walkSteps();
for (const [, draw] of parts) draw();
openToken();
