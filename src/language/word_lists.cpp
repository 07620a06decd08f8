// SPDX-License-Identifier: Apache-2.0
#include "src/language/word_lists.h"

#include <algorithm>
#include <string_view>

#include "icl/base/text.h"

namespace icl {
namespace {

// English, French, Spanish, Italian: each word has one usual translation, and is alone in its
// language.
constexpr std::string_view kWords = R"(
house maison casa casa; dog chien perro cane; cat chat gato gatto
horse cheval caballo cavallo; bird oiseau pájaro uccello; fish poisson pez pesce
water eau agua acqua; fire feu fuego fuoco; earth terre tierra terra; air air aire aria
sun soleil sol sole; moon lune luna luna; star étoile estrella stella; sea mer mar mare
mountain montagne montaña montagna; river rivière río fiume; tree arbre árbol albero
flower fleur flor fiore; bread pain pan pane; milk lait leche latte; wine vin vino vino
cheese fromage queso formaggio; meat viande carne carne; apple pomme manzana mela
salt sel sal sale; sugar sucre azúcar zucchero; egg œuf huevo uovo; king roi rey re
queen reine reina regina; man homme hombre uomo; mother mère madre madre
father père padre padre; brother frère hermano fratello; sister sœur hermana sorella
friend ami amigo amico; hand main mano mano; eye œil ojo occhio
head tête cabeza testa; heart cœur corazón cuore; foot pied pie piede
door porte puerta porta; window fenêtre ventana finestra; table table mesa tavolo
chair chaise silla sedia; bed lit cama letto; book livre libro libro
letter lettre carta lettera; paper papier papel carta; city ville ciudad città
street rue calle strada; church église iglesia chiesa; school école escuela scuola
garden jardin jardín giardino; bridge pont puente ponte; train train tren treno
ship navire barco nave; day jour día giorno; night nuit noche notte
year année año anno; month mois mes mese; week semaine semana settimana
winter hiver invierno inverno; summer été verano estate; snow neige nieve neve
rain pluie lluvia pioggia; wind vent viento vento; red rouge rojo rosso
green vert verde verde; white blanc blanco bianco; black noir negro nero
two deux dos due; three trois tres tre; four quatre cuatro quattro
five cinq cinco cinque; gold or oro oro; silver argent plata argento
war guerre guerra guerra; peace paix paz pace; life vie vida vita
death mort muerte morte
)";

// Present, gerund, past, past participle.
constexpr std::string_view kVerbs = R"(
go going went gone; see seeing saw seen; take taking took taken; give giving gave given
make making made made; come coming came come; know knowing knew known
think thinking thought thought; say saying said said; find finding found found
tell telling told told; write writing wrote written; read reading read read
speak speaking spoke spoken; eat eating ate eaten; drink drinking drank drunk
drive driving drove driven; fly flying flew flown; run running ran run
swim swimming swam swum; sing singing sang sung; begin beginning began begun
break breaking broke broken; choose choosing chose chosen; draw drawing drew drawn
fall falling fell fallen; forget forgetting forgot forgotten; grow growing grew grown
hide hiding hid hidden; keep keeping kept kept; leave leaving left left
lose losing lost lost; meet meeting met met; pay paying paid paid
ride riding rode ridden; rise rising rose risen; sell selling sold sold
send sending sent sent; show showing showed shown; sit sitting sat sat
sleep sleeping slept slept; stand standing stood stood; steal stealing stole stolen
teach teaching taught taught; throw throwing threw thrown
understand understanding understood understood; wake waking woke woken
wear wearing wore worn; win winning won won; buy buying bought bought
bring bringing brought brought; build building built built; catch catching caught caught
fight fighting fought fought; feel feeling felt felt; walk walking walked walked
talk talking talked talked; play playing played played; work working worked worked
look looking looked looked; ask asking asked asked; help helping helped helped
start starting started started; turn turning turned turned; open opening opened opened
love loving loved loved; live living lived lived; move moving moved moved
use using used used; call calling called called; try trying tried tried
carry carrying carried carried
)";

// Singular, plural.
constexpr std::string_view kNouns = R"(
child children; man men; woman women; person people; foot feet; tooth teeth; goose geese
mouse mice; ox oxen; leaf leaves; knife knives; wife wives; life lives; wolf wolves
shelf shelves; half halves; loaf loaves; thief thieves; calf calves; hero heroes
potato potatoes; tomato tomatoes; city cities; country countries; story stories
baby babies; lady ladies; party parties; family families; army armies; body bodies
box boxes; bus buses; church churches; dish dishes; watch watches; class classes
glass glasses; kiss kisses; wish wishes; crisis crises; analysis analyses; thesis theses
basis bases; criterion criteria; phenomenon phenomena; cactus cacti; fungus fungi
nucleus nuclei; stimulus stimuli; bacterium bacteria; medium media; dog dogs; cat cats
book books; house houses; tree trees; car cars; day days; boy boys
)";

constexpr std::string_view kAntonyms = R"(
hot cold; big small; tall short; fast slow; high low; good bad; light dark; happy sad
rich poor; young old; early late; open closed; full empty; hard soft; strong weak
wet dry; clean dirty; thick thin; wide narrow; deep shallow; near far; left right
up down; in out; on off; first last; true false; right wrong; love hate; war peace
life death; day night; black white; win lose; buy sell; give take; push pull; start stop
begin end; enter exit; friend enemy; king queen; north south; east west; alive dead
safe dangerous; cheap expensive; easy difficult; loud quiet; rough smooth; sharp dull
sweet bitter; success failure; question answer; summer winter; above below; before after
inside outside; always never; more less; many few; same different; public private
simple complex; male female
)";

// "input: output" entries.
constexpr std::string_view kCapitals = R"(
France: Paris; Germany: Berlin; Italy: Rome; Spain: Madrid; Portugal: Lisbon
United Kingdom: London; Ireland: Dublin; Belgium: Brussels; Netherlands: Amsterdam
Austria: Vienna; Switzerland: Bern; Poland: Warsaw; Czech Republic: Prague
Hungary: Budapest; Romania: Bucharest; Bulgaria: Sofia; Greece: Athens; Turkey: Ankara
Russia: Moscow; Ukraine: Kyiv; Finland: Helsinki; Sweden: Stockholm; Norway: Oslo
Denmark: Copenhagen; Iceland: Reykjavik; Estonia: Tallinn; Latvia: Riga
Lithuania: Vilnius; Croatia: Zagreb; Serbia: Belgrade; Egypt: Cairo; Morocco: Rabat
Algeria: Algiers; Tunisia: Tunis; Kenya: Nairobi; Ethiopia: Addis Ababa; Ghana: Accra
Senegal: Dakar; Japan: Tokyo; China: Beijing; South Korea: Seoul; Vietnam: Hanoi
Thailand: Bangkok; India: New Delhi; Pakistan: Islamabad; Bangladesh: Dhaka
Nepal: Kathmandu; Iran: Tehran; Iraq: Baghdad; Syria: Damascus; Lebanon: Beirut
Saudi Arabia: Riyadh; Afghanistan: Kabul; Philippines: Manila; Canada: Ottawa
United States: Washington; Mexico: Mexico City; Cuba: Havana; Argentina: Buenos Aires
Brazil: Brasilia; Chile: Santiago; Peru: Lima; Colombia: Bogota; Ecuador: Quito
Uruguay: Montevideo; Australia: Canberra; New Zealand: Wellington
)";

constexpr std::string_view kLanguages = R"(
Victor Hugo: French; Voltaire: French; Marcel Proust: French; Albert Camus: French
Jules Verne: French; Edgar Degas: French; Emile Zola: French
Napoleon Bonaparte: French; Charles de Gaulle: French; Edith Piaf: French
Johann Wolfgang von Goethe: German; Friedrich Schiller: German; Thomas Mann: German
Immanuel Kant: German; Karl Marx: German; Albert Einstein: German
Johann Sebastian Bach: German; Ludwig van Beethoven: German; Angela Merkel: German
Bertolt Brecht: German; Miguel de Cervantes: Spanish; Gabriel Garcia Marquez: Spanish
Pablo Neruda: Spanish; Federico Garcia Lorca: Spanish; Jorge Luis Borges: Spanish
Frida Kahlo: Spanish; Salvador Allende: Spanish; Lionel Messi: Spanish
Dante Alighieri: Italian; Galileo Galilei: Italian; Giuseppe Verdi: Italian
Umberto Eco: Italian; Federico Fellini: Italian; Italo Calvino: Italian
Enzo Ferrari: Italian; Leo Tolstoy: Russian; Fyodor Dostoevsky: Russian
Anton Chekhov: Russian; Alexander Pushkin: Russian; Vladimir Lenin: Russian
Yuri Gagarin: Russian; Boris Yeltsin: Russian; William Shakespeare: English
Charles Dickens: English; Isaac Newton: English; Jane Austen: English
Winston Churchill: English; Abraham Lincoln: English; Mark Twain: English
Haruki Murakami: Japanese; Akira Kurosawa: Japanese; Yukio Mishima: Japanese
Fernando Pessoa: Portuguese; Jose Saramago: Portuguese; Anne Frank: Dutch
Johan Cruyff: Dutch
)";

constexpr std::string_view kContinents = R"(
Paris: Europe; Rome: Europe; Berlin: Europe; Madrid: Europe; Vienna: Europe
Athens: Europe; Norway: Europe; Poland: Europe; Portugal: Europe; the Alps: Europe
the Danube: Europe; the Seine: Europe; Cairo: Africa; Nairobi: Africa; Lagos: Africa
Casablanca: Africa; Ethiopia: Africa; Madagascar: Africa; Ghana: Africa
the Sahara: Africa; the Nile: Africa; Mount Kilimanjaro: Africa; Lake Victoria: Africa
Tokyo: Asia; Beijing: Asia; Delhi: Asia; Bangkok: Asia; Vietnam: Asia; Mongolia: Asia
Nepal: Asia; the Ganges: Asia; the Gobi: Asia; Mount Everest: Asia
New York City: North America; Toronto: North America; Chicago: North America
Mexico City: North America; Alaska: North America; the Mississippi: North America
the Grand Canyon: North America; Lima: South America; Buenos Aires: South America
Bolivia: South America; the Andes: South America; the Amazon: South America
Patagonia: South America; Sydney: Oceania; New Zealand: Oceania; Fiji: Oceania
Samoa: Oceania; the South Pole: Antarctica; Mount Erebus: Antarctica
Ross Island: Antarctica; Queen Maud Land: Antarctica
)";

constexpr std::string_view kReligions = R"(
Vatican City: Christianity; Notre-Dame de Paris: Christianity
St. Peter's Basilica: Christianity; Canterbury Cathedral: Christianity
Cologne Cathedral: Christianity; Westminster Abbey: Christianity
Mount Athos: Christianity; Sagrada Familia: Christianity
Santiago de Compostela: Christianity; Lourdes: Christianity; Fatima: Christianity
Reims Cathedral: Christianity; St. Basil's Cathedral: Christianity
Milan Cathedral: Christianity; Seville Cathedral: Christianity; Greece: Christianity
Italy: Christianity; Poland: Christianity; Norway: Christianity; Armenia: Christianity
Mexico: Christianity; Mecca: Islam; Medina: Islam; the Kaaba: Islam
the Blue Mosque: Islam; Al-Aqsa Mosque: Islam; the Dome of the Rock: Islam
Saudi Arabia: Islam; Iran: Islam; Iraq: Islam; Pakistan: Islam; Afghanistan: Islam
Morocco: Islam; Algeria: Islam; Tunisia: Islam; Yemen: Islam; Somalia: Islam
Kuwait: Islam; Indonesia: Islam; Djenne: Islam; Israel: Judaism
the Western Wall: Judaism; Solomon's Temple: Judaism; Masada: Judaism
Dohany Street Synagogue: Judaism; Touro Synagogue: Judaism; Tel Aviv: Judaism
Mount Zion: Judaism
)";

// Entries end at a semicolon or at the end of a line.
std::vector<std::string> entries_of(std::string_view table) {
  std::vector<std::string> entries;
  for (const std::string& line : split(std::string(table), '\n')) {
    for (const std::string& entry : split(line, ';')) {
      const size_t first = entry.find_first_not_of(' ');
      if (first != std::string::npos) entries.push_back(entry.substr(first));
    }
  }
  return entries;
}

void add_new(std::vector<WordPair>& pairs, WordPair pair) {
  const bool seen = std::any_of(pairs.begin(), pairs.end(),
                                [&](const WordPair& known) { return known.input == pair.input; });
  if (!seen) pairs.push_back(std::move(pair));
}

std::vector<WordPair> columns(std::string_view table, size_t from, size_t to) {
  std::vector<WordPair> pairs;
  for (const std::string& entry : entries_of(table)) {
    const std::vector<std::string> words = split(entry, ' ');
    add_new(pairs, {words.at(from), words.at(to)});
  }
  return pairs;
}

std::vector<WordPair> named(std::string_view table) {
  std::vector<WordPair> pairs;
  for (const std::string& entry : entries_of(table)) {
    const size_t colon = entry.find(": ");
    add_new(pairs, {entry.substr(0, colon), entry.substr(colon + 2)});
  }
  return pairs;
}

}  // namespace

std::vector<WordPair> built_in_pairs(const std::string& task) {
  if (task == "en_fr") return columns(kWords, 0, 1);
  if (task == "en_es") return columns(kWords, 0, 2);
  if (task == "en_it") return columns(kWords, 0, 3);
  if (task == "fr_en") return columns(kWords, 1, 0);
  if (task == "es_en") return columns(kWords, 2, 0);
  if (task == "it_en") return columns(kWords, 3, 0);
  if (task == "present_simple_gerund") return columns(kVerbs, 0, 1);
  if (task == "present_simple_past_simple") return columns(kVerbs, 0, 2);
  if (task == "present_simple_past_perfect") return columns(kVerbs, 0, 3);
  if (task == "singular_plural") return columns(kNouns, 0, 1);
  if (task == "plural_singular") return columns(kNouns, 1, 0);
  if (task == "antonyms") return columns(kAntonyms, 0, 1);
  if (task == "country_capital") return named(kCapitals);
  if (task == "person_language") return named(kLanguages);
  if (task == "location_continent") return named(kContinents);
  if (task == "location_religion") return named(kReligions);
  return {};
}

}  // namespace icl
