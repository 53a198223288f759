
/*
 * Copyright (C) the ngx_http_schema1_module authors
 */


#ifndef _KEYS_H_INCLUDED_
#define _KEYS_H_INCLUDED_


/*
 * Throw-away keys, as docker/libtrust wrote them.  The first is the example of
 * RFC 7517, A.2; of the last two a coordinate begins with a zero byte.
 */

#define TEST_JWK_EC256 \
    "{\"crv\":\"P-256\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3" \
    "eAE\",\"kid\":\"KG4U:JTP2:KRGU:YMTT:VJV7:GUDC:LJ65:KO53:NJYX:EMT" \
    "U:6U4L:DGRA\",\"kty\":\"EC\",\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo" \
    "7Tu6KPAqv7D4\",\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IF" \
    "yM\"}"

#define TEST_KID_EC256 \
    "KG4U:JTP2:KRGU:YMTT:VJV7:GUDC:LJ65:KO53:NJYX:EMTU:6U4L:DGRA"

#define TEST_X_EC256 \
    "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"

#define TEST_Y_EC256 \
    "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"

#define TEST_JWK_RSA \
    "{\"d\":\"gki39KAuRJ5z6QWZ_SLfewMpsGA-YgIfajWLQYypRlEYCAFsTq9wCL" \
    "ueeJiQHtOeuZh1BXJ_YqtPt0qaP6kL0lHZhVxQhpakT7wlKFUDkRfPDtpnQf" \
    "B_-X7NfCLbB_vxx252IaKUuiZWRIdazPJu3XT7j4XjIk-i8bksL_g39g1czI" \
    "t_EuJDFMPkF4DL44nQkoD57FJeCxn2EWHDic_W2f3exWNky2S25ONdIYDrah" \
    "za4Py-vS4F8BuSJ253bkW2r0PLaKEQEWrKBg8uI5pdXJoSI5RcegFw8p4rGP" \
    "QKmeLkCF8-jeDQ04V3OBnpfPeG89CTd9VcNzBHID0bBtJE4Q\",\"dp\":\"PvAH" \
    "YH6RFaJckri3XYOcKXT0FNi7J7m3oiYSBVVIIYbodp9j2z1makLkMvDKaBC-" \
    "loipLfh-r1YgqNnxCHgVITa1MPIUkmMk8BAnmXOn3Rem__WgsPhkvXrsTLX_" \
    "U_3EImemw6eM8dUPb_9pPJbbSGXDOwmQt4Khfo4Kzsnp6JE\",\"dq\":\"h4--L" \
    "Y0nRUTfN_nRaH15xpO5qOl-qaH0GrQeRglnbfyl5bK_MDKVPT7_eVnMuGbMM" \
    "5UsQxCKPMMRWq1Sfld4zf2aamPXrH4bA7iiUczKoGOPjExyunRm9343ZxyNF" \
    "S5Ipb3FxEaSeM2KthPS-qQ8BbgC6M22BBT9cQhSjHIBu-E\",\"e\":\"AQAB\",\"" \
    "kid\":\"BZV7:W4W2:ARGV:LAON:WZ3B:BL2G:HJND:U2FF:GJ7O:OGGT:ASNC" \
    ":Z3KC\",\"kty\":\"RSA\",\"n\":\"5nzqhkWxGe0jUOXkZAPRoTEzZ3TzrifF3vz5" \
    "9fqruB6Pifp80YZoVgwdlBextqZm7wBbUJuaVzAXykelIOjvn-ZuFDub-8PX" \
    "4VIKdz-_sQW3TlOzbxIuU_tgcVW0khTJAjvXj3JLpcUVdo-jJwS0a0AIby-1" \
    "M7PwD1eXFCIVCZn4o0Dkmm2xuJRcCn6_jFMu4B_9fgkkJXQYP6AVxohYAzmQ" \
    "Xh_Se5Oa8kKJky0OEeyhbtr3aBx8UkbxYAypNmYElZEukG72e2lrfHT_BjRM" \
    "xo7YxkkRfvi2ZXKWXgXfunzgfQR29g3t38dDx3glAvK6esDnbYKfv6C3YtpD" \
    "NkDHww\",\"p\":\"_Zye7BJo1V3YytFxDOQSVqbvJ52HX6bWQTEMpVMx2LJ2lHX" \
    "Gvyt4H-D_tsqxcB7Ua2ZezEW1U0909zn0M4UP4vjsWcVoNUK6alvKwpnl0ee" \
    "ir3uKPZfThBZQ9lcTbF-TtaO3pY-vzyx4dhjTfIniBM0vO8M9Ftg5cHD5Rrd" \
    "60DM\",\"q\":\"6KiNCNu1vFEs9oAp2T5Ez3x-0VIl9zw6KyYLknsYhO2QKm1qa" \
    "aP6C7GDmjbu62N6eMMc7Dp-omg4uk84_tHiTCyEeLbmU2j35n7amCzreu0ia" \
    "uOU8VbToc2NLqxSVko9P4e5-FU2lHscCJ_986HrjWo8ec2NDSWKE4ixO5o_W" \
    "jE\",\"qi\":\"cQYROejMOB3EoPlkJwN5rbvnExrmb0BBT0inzr332Y5cyCya2W" \
    "Ug8IaGrxDs59G359ppuXiH5QC2SWbwCd0jCFAI-Ogcdb0owEjvWNJAG0JchI" \
    "c5El5-X64ajjeilW0LXfEiBMiJSSjffwWlXy-p1jRFufa8N1HmGbxyN9kFG1" \
    "k\"}"

#define TEST_KID_RSA \
    "BZV7:W4W2:ARGV:LAON:WZ3B:BL2G:HJND:U2FF:GJ7O:OGGT:ASNC:Z3KC"

#define TEST_N_RSA \
    "5nzqhkWxGe0jUOXkZAPRoTEzZ3TzrifF3vz59fqruB6Pifp80YZoVgwdlBex" \
    "tqZm7wBbUJuaVzAXykelIOjvn-ZuFDub-8PX4VIKdz-_sQW3TlOzbxIuU_tg" \
    "cVW0khTJAjvXj3JLpcUVdo-jJwS0a0AIby-1M7PwD1eXFCIVCZn4o0Dkmm2x" \
    "uJRcCn6_jFMu4B_9fgkkJXQYP6AVxohYAzmQXh_Se5Oa8kKJky0OEeyhbtr3" \
    "aBx8UkbxYAypNmYElZEukG72e2lrfHT_BjRMxo7YxkkRfvi2ZXKWXgXfunzg" \
    "fQR29g3t38dDx3glAvK6esDnbYKfv6C3YtpDNkDHww"

#define TEST_JWK_EC521 \
    "{\"crv\":\"P-521\",\"d\":\"AcITIT1nhXxvmmVQDnTBvmw1MzcQHihorkGoT2LU" \
    "m_FaGzeAT6VfReE5J0YvoYRqT2QW_JZj4WC4weveBqzqzS3x\",\"kid\":\"ZPB" \
    "I:M4DJ:V2XF:UDBN:SVOA:WHFP:7CM2:T4RS:2AY2:E5JC:G7CF:NMEG\",\"k" \
    "ty\":\"EC\",\"x\":\"ALahFGZZfSOrRhInT-gjgJVtkhPskJU3T9J2_IAnNdy7u6" \
    "fcgulSb7G1nqnThMB7Tf_WDCCw63SyAPhuAHD2da3p\",\"y\":\"AADGdnHmzOR" \
    "nSOHNCU3X-b4NKnS14o3Gw06ZoSi57zNXy1BZvbcWI9Ii5VRp1lOPCIew0cX" \
    "eQCOadY8JcAsfXa-Q\"}"

#define TEST_KID_EC521 \
    "ZPBI:M4DJ:V2XF:UDBN:SVOA:WHFP:7CM2:T4RS:2AY2:E5JC:G7CF:NMEG"

#define TEST_X_EC521 \
    "ALahFGZZfSOrRhInT-gjgJVtkhPskJU3T9J2_IAnNdy7u6fcgulSb7G1nqnT" \
    "hMB7Tf_WDCCw63SyAPhuAHD2da3p"

#define TEST_Y_EC521 \
    "AADGdnHmzORnSOHNCU3X-b4NKnS14o3Gw06ZoSi57zNXy1BZvbcWI9Ii5VRp" \
    "1lOPCIew0cXeQCOadY8JcAsfXa-Q"

#define TEST_JWK_EC384 \
    "{\"crv\":\"P-384\",\"d\":\"IAZEl2J305XVySV9ptHsBe-1PXoQL0jN7hXaxrVJ" \
    "tFXwH0V_d0RcUd-Nmbawwnsy\",\"kid\":\"Z74M:WSSA:ZKQ2:MQE2:QITK:CJ" \
    "SD:6F6R:SNVO:BY4G:4TEG:AHMA:3PI3\",\"kty\":\"EC\",\"x\":\"AFgyLaO-iQ" \
    "7sat7AHQO-tNAvzkX2Aw6CS6jry6cJv5hVMxnolRyFGJsGAfWcZH3t\",\"y\":" \
    "\"PKpQWz3sTdwWLcYnNf4B79vjSAnLXHptFMSGA8OgVba03UMTHHasAxa5lVP" \
    "MUai9\"}"

#define TEST_KID_EC384 \
    "Z74M:WSSA:ZKQ2:MQE2:QITK:CJSD:6F6R:SNVO:BY4G:4TEG:AHMA:3PI3"

#define TEST_X_EC384 \
    "AFgyLaO-iQ7sat7AHQO-tNAvzkX2Aw6CS6jry6cJv5hVMxnolRyFGJsGAfWc" \
    "ZH3t"

#define TEST_Y_EC384 \
    "PKpQWz3sTdwWLcYnNf4B79vjSAnLXHptFMSGA8OgVba03UMTHHasAxa5lVPM" \
    "Uai9"

/* TEST_JWK_EC256 with a compressed point, and with explicit parameters */

#define TEST_PEM_COMPRESSED \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MFcCAQEEIPO9DAeoH7kyeB7VJ1L2DMiaa+XlGTT+AZON21XY93gBoAoGCCqGSM49\n" \
    "AwEHoSQDIgADMKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4=\n" \
    "-----END EC PRIVATE KEY-----\n"

#define TEST_PEM_EXPLICIT \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "MIIBaAIBAQQg870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAGggfowgfcC\n" \
    "AQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA////////////////\n" \
    "MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57Pr\n" \
    "vVV2mIa8ZR0GsMxTsPY7zjw+J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEE\n" \
    "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54W\n" \
    "K84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8\n" \
    "YyVRAgEBoUQDQgAEMKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D7gS2Xp\n" \
    "JFbZiItSs3m9+9Ue6GnvHw/GW2ZZaVtszggXIw==\n" \
    "-----END EC PRIVATE KEY-----\n"

/* with a key id in its header */

#define TEST_PEM_LIBTRUST \
    "-----BEGIN EC PRIVATE KEY-----\n" \
    "keyID: GVR3:MV3E:AGXM:UDNY:Z4VD:VBJF:7IA5:VA7T:ICRB:UM75:PW6A:33VL\n" \
    "\n" \
    TEST_BASE64_LIBTRUST \
    "-----END EC PRIVATE KEY-----\n"

#define TEST_BASE64_LIBTRUST \
    "MHcCAQEEIPHifUq9Njiq+AoXp6I6TagcN0J/wfY6zDj8aO/Ra04AoAoGCCqGSM49\n" \
    "AwEHoUQDQgAEngAa+wHq/EPFkQ4iyrYVw6mWPCiT6PlcL0+bQhPLM6z91zsw/VxX\n" \
    "B9uUI6ggheogvi4+Z1ZuYHwIVSXppSc5oA==\n"

#define TEST_KID_LIBTRUST \
    "GVR3:MV3E:AGXM:UDNY:Z4VD:VBJF:7IA5:VA7T:ICRB:UM75:PW6A:33VL"


#endif /* _KEYS_H_INCLUDED_ */
