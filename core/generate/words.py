"""Word lists from which firms and people are named, by language. Any likeness to a real one is chance."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """Words of one language. `trades` and `streets` are patterns with one slot for a head or a number."""

    first_names: tuple[str, ...]
    surnames: tuple[str, ...]
    fancies: tuple[str, ...]
    trades: tuple[str, ...]
    streets: tuple[str, ...]
    annexes: tuple[str, ...]


def _split(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(","))


LANGUAGES = {
    "English": Language(
        _split(
            "Abigail,Aidan,Beatrice,Callum,Charlotte,Daniel,Deborah,Elliot,Fiona,Gareth,Grace,Harriet,Ian,"
            "Imogen,Joanna,Keith,Laura,Malcolm,Naomi,Oliver,Priya,Rebecca,Simon,Teresa,Victor,Wesley"
        ),
        _split(
            "Abernathy,Ashdown,Barrowclough,Birchall,Calloway,Cartwright,Dunleavy,Eastwick,Fairbairn,Farrow,"
            "Garside,Hathaway,Holloway,Inchbald,Kettleworth,Langford,Lockhart,MacAllister,"
            "Merriweather,Northcott,"
            "O'Connell,O'Rourke,Pemberton,Quinlan,Ravenhill,Redfern,Sedgwick,Stroud,Tattersall,Thistlewood,"
            "Underhill,Vance,Wainwright,Whitlock,Winslow,Yardley"
        ),
        _split(
            "Amber Lantern,Beacon Hill,Blue Anvil,Brass Compass,Cedar Row,Copper Kettle,"
            "Crooked Mile,Foxglove,"
            "Golden Sextant,Granite Bay,Harbour Lane,High Meadow,Iron Bridge,Juniper Street,Kingfisher,"
            "Lakeside,Little Piston,Maple & Main,Marble Arcade,North Star,Old Foundry,Orchard Gate,"
            "Paper Kite,Quarry Road,Red Signal,Rosewood,Sandpiper,Silver Throttle,Third Gear,Weathervane"
        ),
        _split(
            "{} Models,{} Hobbies,{} Collectables,{} Miniatures Ltd.,{} Hobby Supply,{} Scale Works,"
            "{} Stores,{} Trading Co.,{} Toys & Trains,{}'s Model Shop,{} Hobby Centre,{} Imports,"
            "The {} Emporium,{} Retail Group"
        ),
        _split(
            "{} Alder Street,{} Canal Road,{} Chapel Lane,{} Station Road,{} Mill Street,{} Harbour Drive,"
            "{} Weaver Avenue,{} Elm Terrace,{} Market Square,{} Quarry Hill,{} Foundry Lane,{} Union Street"
        ),
        _split("Suite 200,Unit 4,Floor 2,Unit 11B,Building C"),
    ),
    "German": Language(
        _split(
            "Anke,Bernd,Carola,Dieter,Elke,Florian,Gudrun,Henrik,Ilse,Jörg,Katja,Lothar,Margit,Norbert,Petra,"
            "Rainer,Sabine,Thilo,Ulrike,Volker"
        ),
        _split(
            "Altmann,Bräutigam,Dietzel,Eberling,Feldhaus,Gerlach,Hagedorn,Immhof,Jäckel,Kirchhoff,Lindenau,"
            "Mühlberg,Nagelschmidt,Osterkamp,Pfannkuch,Rosenbusch,Schönfelder,Steinacker,"
            "Tiedemann,Uhlenbrock,"
            "Vosskuhl,Wiesenthaler,Zimmerling"
        ),
        _split(
            "Alte Weiche,Bergkristall,Blauer Anker,Drei Linden,Falkenstein,Goldene Nabe,Kleine Werft,"
            "Kupferhammer,Nordlicht,Rote Laterne,Silberpfad,Sonnenhof,Turmuhr,Windrose"
        ),
        _split(
            "{} Modellbau GmbH,Modellhaus {},{} Spielwaren,Hobbyhaus {},{} Sammlerbedarf KG,Spielkiste {},"
            "{} Miniaturen,Modellbahn {},{} Handels GmbH"
        ),
        _split(
            "Ahornweg {},Bahnhofstraße {},Gartenstraße {},Kirchgasse {},Lindenallee {},Mühlenweg {},"
            "Schillerplatz {},Werftstraße {}"
        ),
        _split("Hinterhaus,2. Etage,Halle 3,Aufgang B"),
    ),
    "French": Language(
        _split(
            "Agnès,Bastien,Chloé,Damien,Élodie,Fabrice,Gaëlle,Hervé,Inès,Julien,Karine,Loïc,Maëlle,Noémie,"
            "Olivier,Perrine,Quentin,Régis,Solène,Thibault"
        ),
        _split(
            "Aubertin,Beaufils,Carpentier,Delacourt,Estrade,Fontanel,Guérin,Hautecœur,Jolivet,L'Hermitte,"
            "Lacombe,Marchandeau,Navarre,Orsini,Peyrac,Quesnel,Rivoire,Sauvageot,Tessier,Vaillancourt,Verdier"
        ),
        _split(
            "Vieux Port,Petit Rail,Grand Large,Trois Moulins,Ancre Bleue,Beau Rivage,"
            "Cerf-Volant,Clair de Lune,"
            "Feuille d'Érable,Horloge,Lanterne Rouge,Pont Neuf,Quatre Vents,Tour d'Argile"
        ),
        _split(
            "Maquettes {},Atelier {},{} Modélisme SARL,Comptoir {},Maison {},Boutique {},Miniatures {},"
            "{} Distribution,Galerie {}"
        ),
        _split(
            "{} rue des Tilleuls,{} avenue de la Gare,{} place du Marché,{} quai des Brumes,{} rue Basse,"
            "{} chemin du Moulin,{} boulevard de l'Ouest"
        ),
        _split("Bâtiment B,2e étage,Entrée C,Zone Est"),
    ),
    "Spanish": Language(
        _split(
            "Alba,Bruno,Carmen,Diego,Elena,Fermín,Gloria,Héctor,Inés,Joaquín,Lucía,Marcos,Nuria,Óscar,Pilar,"
            "Rosario,Santiago,Ximena"
        ),
        _split(
            "Aguirrebengoa,Barragán,Cifuentes,Domínguez,Echeverría,Fuentes,Galindo,Ibáñez,Jurado,Lozano,"
            "Manzanares,Noriega,Ordóñez,Peñalver,Quiroga,Robledo,Saldaña,Tejedor,Urrutia,Zamora"
        ),
        _split(
            "El Faro,La Encina,Tres Ruedas,Puerta Azul,Viento Sur,La Brújula,Cobre Viejo,El Molino,Río Claro,"
            "La Estación,Monte Alto,Los Olivos"
        ),
        _split(
            "Modelismo {},{} Miniaturas S.L.,Juguetería {},Casa {},Vitrina {},Comercial {},Colecciones {},"
            "Bazar {}"
        ),
        _split(
            "Calle del Olmo {},Avenida del Puerto {},Plaza Mayor {},Calle Nueva {},Paseo de la Ribera {},"
            "Calle de los Hornos {}"
        ),
        _split("Local 2,Planta 1,Nave 7"),
    ),
    "Italian": Language(
        _split(
            "Alessia,Bruna,Carlo,Donatella,Enrico,Federica,Giacomo,Ilaria,Lorenzo,Marta,Nicola,Ornella,Paolo,"
            "Renata,Stefano,Tullio,Viola"
        ),
        _split(
            "Albertazzi,Bonfanti,Castagneri,D'Alessio,Dell'Orto,Fabbricatore,Ghirardi,Lombardini,Mazzanti,"
            "Nardelli,Ottaviani,Pellegrinotti,Quaranta,Rinaldini,Salvemini,Tagliaferri,Vercelloni,Zanetello"
        ),
        _split(
            "La Rotaia,Porta Nuova,Il Veliero,Tre Colli,La Bussola,Ponte Alto,Il Gabbiano,Stella Alpina,"
            "La Lanterna,Vecchia Officina,Sole d'Oro"
        ),
        _split(
            "Modellismo {},{} Miniature S.r.l.,Bottega {},Giocattoli {},Vetrina {},Emporio {},Collezioni {},"
            "{} Importazioni"
        ),
        _split(
            "Via dei Platani {},Corso della Stazione {},Piazza del Mulino {},Via San Lazzaro {},"
            "Via delle Fornaci {},Viale Aurora {}"
        ),
        _split("Scala B,Interno 3,Capannone 5"),
    ),
    "Nordic": Language(
        _split(
            "Agneta,Björn,Camilla,Dag,Eskil,Freja,Gunnar,Hanne,Ingrid,Jens,Kirsten,Lars,Mette,Nils,Oddvar,"
            "Ragnhild,Sven,Tove"
        ),
        _split(
            "Almqvist,Bjerregaard,Dahlström,Ekelund,Fjeldstad,Grönlund,Hjelmeland,"
            "Kjærsgaard,Lindqvist,Mårtensson,"
            "Nørgaard,Ødegård,Rosenkvist,Skovgaard,Söderholm,Thorsager,Vestergren,Åkerblom"
        ),
        _split(
            "Blåmes,Fyrtårnet,Granholmen,Havørn,Isbjerg,Kvarnen,Midnattssol,Nordhavn,Polstjernen,Sjöboden,"
            "Tre Kronblad,Vindrosen"
        ),
        _split(
            "{} Modellhobby AB,{} Hobby A/S,{} Leketøy AS,{} Samlarna,Hobbyhuset {},{} Modelltog,{} Handel,"
            "{} Miniatyr"
        ),
        _split(
            "Storgata {},Kyrkogatan {},Havnegade {},Strandvejen {},Björkvägen {},Fabriksgatan {},Torget {}"
        ),
        _split("2. etasje,Uppgång A,Hal 4"),
    ),
    "Finnish": Language(
        _split("Aino,Eero,Helmi,Ilkka,Jaana,Kalevi,Lauri,Marjatta,Oskari,Päivi,Riitta,Seppo,Tuula,Veikko"),
        _split(
            "Ahvenainen,Hietala,Jääskelä,Kivimäki,Laakso,Mäntyharju,Niemelä,Ojanperä,Pihlajamaa,Rautiainen,"
            "Salmela,Tuomikoski,Vuorela,Ylitalo"
        ),
        _split("Majakka,Revontuli,Sininen Kulma,Kuparisepät,Pikku Veturi,Koivuranta,Pohjantähti,Hopeapaju"),
        _split("{} Pienoismallit Oy,Harrastetalo {},{} Lelut,Mallikauppa {},{} Keräily,{} Verstas"),
        _split("Asemakatu {},Koivutie {},Rantakatu {},Kirkkotie {},Myllymäki {}"),
        _split("2. krs,Ovi B"),
    ),
    "Dutch": Language(
        _split(
            "Anouk,Bram,Corrie,Daan,Eline,Freek,Geertje,Hidde,Ilse,Joost,Lotte,Marijn,Noor,Ruben,Sanne,Wouter"
        ),
        _split(
            "Achterberg,Boersma,van den Dool,Eikelboom,Groeneveld,Hoogland,van der Kamp,"
            "Leeuwenstein,Molenaar,"
            "Nieuwpoort,Oosterling,Rietveldt,Schouwenaar,'t Hoen,Veenstra,Wagenmaker"
        ),
        _split(
            "De Zilveren Wissel,Het Oude Spoor,De Windvaan,Blauwe Sluis,De Kleine Kade,"
            "Drie Molens,De Lantaarn"
        ),
        _split(
            "{} Modelbouw B.V.,Modelhuis {},{} Speelgoed,{} Verzamelaars,{} Schaalmodellen,"
            "Hobbywinkel {},{} Schaalwerk"
        ),
        _split("Stationsweg {},Havenkade {},Molenpad {},Lindelaan {},Kerkplein {},Ambachtstraat {}"),
        _split("Unit 3,Hal B,2e verdieping"),
    ),
    "Portuguese": Language(
        _split(
            "Amélia,Bernardo,Catarina,Duarte,Estela,Filipe,Graça,Henrique,Joana,Luís,Marta,"
            "Nuno,Otávia,Rui,Tomás"
        ),
        _split(
            "Albuquerque,Bragança,Cordeiro,Damásio,Esteves,Figueiroa,Guimarães,Lacerda,Magalhães,Nogueira,"
            "Pimentel,Quintela,Salgueiro,Teixeira,Valadares"
        ),
        _split("Farol Velho,Ponte de Pedra,Três Marias,Rosa dos Ventos,Casa da Colina,Mar Alto,Oficina Azul"),
        _split(
            "Modelismo & Cia. {},{} Miniaturas Lda.,Brinquedos {},Casa das Maquetes {},Vitrine {},{} Comércio"
        ),
        _split(
            "Rua das Acácias {},Avenida da Estação {},Largo do Moinho {},Rua do Porto {},Travessa Nova {}"
        ),
        _split("Loja 3,1.º andar,Sala 12"),
    ),
    "Japanese": Language(
        _split("Akiko,Daichi,Emi,Haruto,Izumi,Junko,Kazuo,Mayumi,Naoki,Reiko,Satoru,Tomoko,Yuji,Yumi"),
        _split(
            "Aoyagi,Fujimori,Hasekura,Ichinose,Kawabuchi,Kurosaki,Minamoto,Nakahara,Okabayashi,Sakuraba,"
            "Shiraishi,Tachibana,Uemori,Yanagida"
        ),
        _split("Aoi Tori,Hoshizora,Kaze,Midori,Minato,Sakura Eki,Tsubame,Yukimi"),
        _split("{} Mokei K.K.,{} Hobby Ten,{} Shokai,{} Collection,{} Seisakusho,Gangu no {}"),
        _split("{}-2 Minamicho,{}-7 Ekimae,{}-1 Nishimachi,{}-4 Kawaguchi,{}-3 Hondori"),
        _split("3F,Kita Building 5F"),
    ),
    "Polish": Language(
        _split(
            "Agata,Bogdan,Danuta,Grzegorz,Halina,Jacek,Kinga,Łukasz,Małgorzata,Olgierd,Stanisław,Wioletta"
        ),
        _split(
            "Brzeziński,Czarnota,Dąbek,Gawrońska,Jaworek,Kołodziejska,Lipiński,"
            "Mazurkiewicz,Olszewski,Pawlikowska,"
            "Rogalska,Świerczek,Wójtowicz,Żelazny"
        ),
        _split("Biały Żagiel,Latarnia,Stary Dworzec,Złota Kotwica,Zielony Wiatrak,Trzy Dęby"),
        _split("Modelarnia {},{} Modele Sp. z o.o.,Zabawki {},Kolekcje {},Galeria {},Sklep Hobby {}"),
        _split("ul. Lipowa {},ul. Dworcowa {},ul. Portowa {},ul. Młyńska {},ul. Ogrodowa {}"),
        _split("lok. 4,hala 2"),
    ),
}
