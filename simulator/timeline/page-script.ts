/** What moves in the page: zoom, ticks of the axis, and which kinds of message are shown. */
export const pageScript = `
const chart = document.querySelector('.chart');
const scroller = document.querySelector('.scroller');
const ticks = document.querySelector('.ticks');
const endUs = Number(chart.dataset.endUs);
let zoom = 1;

function label(us, stepUs) {
  const decimals = stepUs >= 1e6 ? 0 : stepUs >= 1e3 ? 3 : 6;
  return (us / 1e6).toFixed(decimals) + ' s';
}

/** Only the ticks that are in sight: far zoomed in, all of them would be millions. */
function drawTicks() {
  const width = chart.clientWidth;
  const wanted = (endUs * 110) / width;
  const power = 10 ** Math.floor(Math.log10(Math.max(1, wanted)));
  const stepUs = Math.max(1, [1, 2, 5, 10].map((f) => f * power).find((step) => step >= wanted));
  const fromUs = Math.floor((scroller.scrollLeft / width) * endUs / stepUs) * stepUs;
  const toUs = Math.min(endUs, fromUs + ((scroller.clientWidth / width) * endUs) + 2 * stepUs);
  const made = [];
  for (let us = fromUs; us <= toUs; us += stepUs) {
    const tick = document.createElement('div');
    tick.className = 'tick';
    tick.style.left = (us / endUs) * 100 + '%';
    tick.textContent = label(us, stepUs);
    made.push(tick);
  }
  ticks.replaceChildren(...made);
}

function setZoom(next, keepUs) {
  zoom = Math.max(1, Math.min(next, 20000));
  chart.style.width = zoom * 100 + '%';
  scroller.scrollLeft = (keepUs / endUs) * chart.clientWidth - scroller.clientWidth / 2;
  drawTicks();
}

function centreUs() {
  return ((scroller.scrollLeft + scroller.clientWidth / 2) / chart.clientWidth) * endUs;
}

for (const button of document.querySelectorAll('[data-zoom]')) {
  button.addEventListener('click', () => setZoom(zoom * Number(button.dataset.zoom), centreUs()));
}
for (const button of document.querySelectorAll('[data-last-us]')) {
  button.addEventListener('click', () => setZoom(endUs / Number(button.dataset.lastUs), endUs));
}
document.querySelector('[data-whole]').addEventListener('click', () => setZoom(1, 0));
scroller.addEventListener('scroll', drawTicks);
window.addEventListener('resize', drawTicks);

for (const box of document.querySelectorAll('[data-kind]')) {
  const show = () => {
    for (const group of document.querySelectorAll('.kind-' + box.dataset.kind)) {
      group.style.display = box.checked ? '' : 'none';
    }
  };
  box.addEventListener('change', show);
  show();
}
drawTicks();
`;
