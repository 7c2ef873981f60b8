"""The evaluation report's one template: self-contained HTML, light and dark, every text escaped by Jinja."""

STYLE = """
:root{--ink:#1d2329;--soft:#5c6773;--line:#e2e6ea;--card:#fff;--paper:#f6f7f9;--base:#8a94a0;--ex:#c98a1b;--lora:#2563c9;
--real:#16855b;--bad:#b3372f;--rag:#7a52c7;--other:#b0562f}
@media(prefers-color-scheme:dark){:root{--ink:#e8ebee;--soft:#9aa5b1;--line:#303840;--card:#1b2126;--paper:#12161a;
--base:#8b96a2;--ex:#e0a73d;--lora:#6ea3ff;--real:#48c394;--bad:#ef7a70;--rag:#a88be8;--other:#e08c63}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:1040px;margin:0 auto;padding:32px 20px 64px}h1{font-size:30px;line-height:1.2;margin:0 0 4px}
h2{font-size:21px;margin:44px 0 6px}p{margin:6px 0 12px;max-width:74ch}.soft{color:var(--soft)}
.verdict{border-left:5px solid var(--lora);background:var(--card);padding:16px 20px;border-radius:8px;margin:20px 0}
.verdict.hold{border-color:var(--bad)}.verdict ul{margin:8px 0 0;padding-left:20px}.verdict b{font-size:19px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.card .n{font-size:28px;font-weight:650;font-variant-numeric:tabular-nums}.card small{color:var(--soft)}
figure{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px;margin:12px 0}
svg{width:100%;height:auto;display:block}svg text{fill:var(--ink);font:13px system-ui,sans-serif}
svg .label{text-anchor:end}svg .small{font-size:11px}svg .value{text-anchor:end;font-weight:600}
svg .tick{text-anchor:middle;fill:var(--soft);font-size:11px}svg .grid{stroke:var(--line)}svg .link{stroke:var(--soft);stroke-width:1.5}
svg .bar{stroke-width:4;stroke-linecap:round;opacity:.45}.base{fill:var(--base);stroke:var(--base)}
.base_rag,.base_exemplars{fill:var(--ex);stroke:var(--ex)}.lora{fill:var(--lora);stroke:var(--lora)}.real{fill:var(--real);stroke:var(--real)}
.lora_rag,.aligned,.champion{fill:var(--rag);stroke:var(--rag)}
.wrong_author,.cheater,.others{fill:var(--other);stroke:var(--other)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;background:var(--card);font-variant-numeric:tabular-nums}
th,td{padding:8px 12px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}th{color:var(--soft);font-weight:550}
.sample{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:16px 18px;margin:14px 0}
.texts{display:grid;grid-template-columns:repeat(auto-fit,minmax(280px,1fr));gap:18px;margin-top:8px}
.texts h3{font-size:13px;margin:0 0 4px;color:var(--soft);font-weight:600}.texts div{min-width:0}
.draft{white-space:pre-wrap;overflow-wrap:anywhere;font:15px/1.5 Georgia,serif;max-height:440px;overflow:auto}
"""

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Evaluation of {{ name }}'s twin</title>
<style>{{ style|safe }}</style></head><body><main>
<h1>Does it write like {{ name }}?</h1>
<p class="soft">{{ held_out }} held-out texts scored, {{ briefs }} neutral briefs written for by each arm, all newer than
anything the adapter learned from. Intervals are 95 %.</p>
<div class="verdict {{ '' if promote else 'hold' }}"><b>{{ headline }}</b>
<ul>{% for c in checks %}<li><b style="font-size:inherit">{{ c.name }}: {{ c.verdict }}.</b> {{ c.reason }}</li>{% endfor %}</ul></div>
<div class="cards">{% for label, value, note in cards %}<div class="card"><div>{{ label }}</div><div class="n">{{ value }}</div>
<small>{{ note }}</small></div>{% endfor %}</div>
<h2>The arms</h2>
<p>Who writes like the author, and at what price. The author's held-out texts are the ceiling; other people, another
author's adapter and the base model are the floor; the cheater, who hands in an old text, must win on style and fail on
copying.</p>
<div class="scroll"><table><tr><th>arm</th><th>style distance</th><th>gap closed</th><th>taken for the author</th><th>copied</th><th>points made</th><th>unsupported / 100 words</th><th>ends well</th></tr>
{% for row in arm_rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table></div>
<h2>Style</h2>
<p>How far pools of {{ pool }} texts are from the author's training texts, without a look at the topic: function words,
punctuation, layout, casing, lengths, openings and closings. 0 is the same distribution; the author's own held-out texts
show how near one can come.</p>
<figure>{{ style_figure|safe }}</figure>
<div class="scroll"><table><tr><th>distance by trait</th>{% for g in groups %}<th>{{ g }}</th>{% endfor %}</tr>
{% for label, values in group_rows %}<tr><td>{{ label }}</td>{% for v in values %}<td>{{ v }}</td>{% endfor %}</tr>{% endfor %}</table></div>
<p class="soft">Character n-grams, which see the topic too:</p><figure>{{ ngram_figure|safe }}</figure>
<h2>Authorship</h2>
{% if hands.outcomes %}<p>Verifiers learned to tell the author's training texts from {{ hands.learned_from }} other people
and from the base model. First they are tried on people they never saw, {{ hands.strangers }} of them, and on the author's
held-out texts: the AUC by the number of texts in a pool. A verifier below .90 on pools of ten judges nobody.</p>
<div class="scroll"><table><tr><th>told from strangers, AUC</th><th>1 text</th><th>5 texts</th><th>10 texts</th></tr>
{% for row in verifier_rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table></div>
<p>Then at the threshold where as many of the author's pools are refused as strangers' are accepted: the share of pools of
ten texts that is taken for the author's.</p>
<div class="scroll"><table><tr><th>taken for the author</th>{% for k in kinds %}<th>{{ k }}</th>{% endfor %}</tr>
{% for row in accepted_rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table></div>
{% else %}<p>Not measured: there are no other authors' texts.</p>{% endif %}
<h2>Likelihood</h2>
<p>Bits that each byte of a held-out text costs, with the same prompt: grey under the base model, blue under the adapter.
Further left is better. An adapter trained on other people shows what any human prose gains; the rest is the person.</p>
<div class="scroll"><table><tr><th>model</th><th>bits per byte</th><th>the twin saves</th></tr>
{% for row in likelihood_rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table></div>
<figure>{{ bits_figure|safe }}</figure>
<h2>Content</h2>
<p>Points of the brief that a text makes, by its words or its meaning, in as many words as the author took; numbers, names and first-person claims that neither
the brief nor a shown fact supports; citations whose quote stands in the fact they name.</p>
<div class="scroll"><table><tr><th>arm</th><th>points made</th><th>unsupported / 100 words</th><th>valid citations</th></tr>
{% for row in content_rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table></div>
<h2>Copying and fluency</h2>
<p>Copied: share of words and marks inside spans of {{ copy_tokens }} or more that stand in the training texts. The
author's own row is the habit to beat, not zero. In the band: as easy for the base model to read as 90 % of the author's
texts.</p>
<div class="scroll"><table><tr><th>arm</th><th>copied</th><th>texts with a copy</th><th>longest span</th><th>ended by itself</th><th>loops</th><th>in the band</th><th>length ÷ author's</th></tr>
{% for row in fluency_rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table></div>
{% if verdict %}<h2>An outside judge</h2><p>A model of another family compared {{ verdict.decided + verdict.undecided }} pairs
blindly and in both orders; in {{ verdict.decided }} it did not change its mind with the order, and took the twin for the
author in {{ '%.0f' % (100 * verdict.won.value) }} % of them [{{ '%.0f' % (100 * verdict.won.low) }} %,
{{ '%.0f' % (100 * verdict.won.high) }} %]. It has no vote in the gate.</p>{% endif %}
<h2>Side by side</h2>
{% for s in samples %}<section class="sample"><b>{{ s.brief }}</b> <span class="soft">{{ s.register }}</span><div class="texts">
{% for label, text in s.texts %}<div><h3>{{ label }}</h3><div class="draft">{{ text }}</div></div>{% endfor %}</div></section>{% endfor %}
<h2>What this can't say</h2><ul>{% for line in missing %}<li>{{ line }}</li>{% endfor %}</ul>
</main></body></html>"""
